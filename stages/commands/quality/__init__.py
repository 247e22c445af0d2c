"""Whether one classifier is worse or better than another."""
