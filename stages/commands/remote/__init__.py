"""What a team shares: the remote, the servers of .env, the running services."""
