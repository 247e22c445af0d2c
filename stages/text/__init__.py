"""The text models: a module for each, and what it is made of."""
