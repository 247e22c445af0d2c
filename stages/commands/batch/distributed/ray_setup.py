"""Ray, told before it is imported that it asks everyone for its token and reports to nobody.

Whoever can reach a Ray without token runs what he pleases on its hosts.
"""

from __future__ import annotations

import os

os.environ["RAY_AUTH_MODE"] = "token"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
# What is lost with a host is told here, in a line; Ray's own words are in its logs.
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")

import ray

__all__ = ["ray"]
