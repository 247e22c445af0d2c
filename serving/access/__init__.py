"""Who may ask, and how often: keys, tokens, passwords, users, scopes, limits."""
