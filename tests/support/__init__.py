"""What tests share: a clone of the repository, its imports, its commands."""
