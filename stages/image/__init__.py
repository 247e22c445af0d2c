"""The image models: a module for each, and what it is made of."""
