"""Results held against each other: what is equal, what agrees, what is better, where it came from.

These are commands for people and for continuous integration, beside the stages and not among them.
"""
