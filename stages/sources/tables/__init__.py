"""Tables and pictures of any shop, as they are, and what `ingest` makes of them."""
