"""A whole catalogue answered, here or on many machines."""
