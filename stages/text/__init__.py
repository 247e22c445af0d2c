"""The kinds of text branches."""
