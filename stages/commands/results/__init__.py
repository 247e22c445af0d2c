"""Results: of this checkout, of a revision, and how two of them differ."""
