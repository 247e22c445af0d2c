"""Watching the service: its figures in a terminal, and the monitoring servers on the loopback."""
