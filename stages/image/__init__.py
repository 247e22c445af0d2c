"""The kinds of image branches."""
