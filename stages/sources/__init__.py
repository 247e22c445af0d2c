"""Where the raw catalogue comes from: one module per source."""
