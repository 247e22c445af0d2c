"""Learning to combine the branches, to be as sure as is right, and what to accept."""
