"""From raw tables to parts: validation and the split without leaks."""
