"""The pipeline's configuration and inputs: composed, restored, checked before a run."""
