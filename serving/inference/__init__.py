"""The locked classifier at work: loading, queueing, timing."""
