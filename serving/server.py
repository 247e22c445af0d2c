"""One process that answers HTTP until it is asked to stop, and then finishes what it has begun."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from dataclasses import dataclass, field

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from serving.app import create_app
from serving.http.watching import Watched
from serving.settings import Settings

logger = logging.getLogger("serving")

FAILED = 1

LINGER_SECONDS = 2.0
"""How long connections without a request may take to close once the service stops."""


class ListenError(OSError):
    """The address cannot be listened on."""


@dataclass
class _Stop:
    """Why the service stops: asked to (code 0), or because the classifier did not load."""

    code: int = 0
    requested: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self) -> None:
        self.requested.set()

    def fail(self, error: BaseException) -> None:
        logger.critical("the classifier cannot be served: %s", error)
        print(f"error: {error}", file=sys.stderr)
        self.code = FAILED
        self.requested.set()


async def serve(settings: Settings, *, predicts: bool) -> int:
    """Answer on the configured port until SIGTERM or SIGINT; returns the exit code.

    Raises SettingsError before anything listens when a secret is missing or weak.
    """
    stop = _Stop()
    app = create_app(settings, predicts=predicts, on_failure=stop.fail)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.ask)
    server = Server(
        app,
        address=settings.host,
        port=settings.port if predicts else settings.auth_port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    await asyncio.wait(
        {serving, asyncio.create_task(stop.requested.wait())},
        return_when=asyncio.FIRST_COMPLETED,
    )
    if not serving.done():
        await _stop(server, app, settings.grace_seconds)
        await asyncio.wait({serving}, timeout=LINGER_SECONDS)
    if not serving.done():
        serving.cancel()  # a client that is cut off may hold its connection open for ever
        return stop.code
    try:
        await serving
    except RuntimeError as error:
        raise ListenError(f"{server.bind_addr}:{server.bind_port}: {error}") from error
    return stop.code


async def _stop(server: Server, app: Watched, grace_seconds: float) -> None:
    cut_off = await app.drain(grace_seconds)
    logger.info("stopping", extra={"cut_off": cut_off})
    server.stop()  # type: ignore[no-untyped-call]  # granian leaves it untyped
