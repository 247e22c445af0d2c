"""The embedded synthetic catalogue: listings, their words and their pictures."""
