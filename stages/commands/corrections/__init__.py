"""What reviewers said: as data of the pipeline, and to and from Label Studio."""
