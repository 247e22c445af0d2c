"""Start the service: `python -m serving`, or `python -m serving auth` for its tokens alone."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sqlite3
import sys
from collections.abc import Sequence

import uvloop

from serving import logs, server
from serving.errors import ServiceError
from serving.settings import Settings

REFUSED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until stopped; returns the exit code: 0 stopped, 1 not as locked, 2 settings wrong."""
    parser = argparse.ArgumentParser(prog="python -m serving", description=__doc__)
    parser.add_argument("part", nargs="?", choices=["all", "auth"], default="all")
    part = parser.parse_args(arguments).part
    try:
        settings = Settings.load()
        logs.configure(settings)
        # uvloop: a tenth less processor time for each answer than asyncio's own loop.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(server.serve(settings, predicts=part == "all"))
    except (ServiceError, OSError, sqlite3.Error) as error:
        print(f"error: {error}", file=sys.stderr)
        return REFUSED
    logging.shutdown()
    os._exit(code)  # the interpreter would wait for threads at work, whatever the grace period


if __name__ == "__main__":
    sys.exit(main())
