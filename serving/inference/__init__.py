"""The locked classifier at work: verified, loaded, timed, recorded, compared for drift."""
