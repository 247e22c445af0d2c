"""Users: kept in SQLite, remembered for requests, managed by a command."""
