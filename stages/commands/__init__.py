"""Commands for people and for continuous integration, beside the stages and not among them."""
