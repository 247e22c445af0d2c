"""A connection of the server over a transport that is none: a test sends, and reads answers."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from serving.http.connections import Connection, ConnectionLimiter
from serving.metrics import Metrics
from serving.settings import Settings


class Wire(asyncio.Transport):
    """What the service wrote, and whether it has had enough."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.ended = False

    def write(self, data: Any) -> None:
        if self.ended:
            raise RuntimeError("Cannot call write() after write_eof()")  # as uvloop does
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.ended = True

    abort = write_eof = close

    def is_closing(self) -> bool:
        return self.ended

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else default


def connected(
    app: Any, settings: Settings, limiter: ConnectionLimiter | None = None
) -> tuple[Connection, Wire]:
    """A connection to `app` that has just been made, in the running event loop."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
    limiter = limiter or ConnectionLimiter(settings, Metrics())
    loop = asyncio.get_running_loop()
    connection, wire = Connection(config, ServerState(), {}, loop, limiter=limiter), Wire()
    connection.connection_made(wire)
    return connection, wire
