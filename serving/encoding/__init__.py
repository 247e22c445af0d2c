"""From normalised texts to the inputs of a text graph."""
