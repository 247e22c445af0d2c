"""One process that answers HTTP until it is asked to stop, and then finishes what it has begun."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import uvicorn

from serving.app import create_app
from serving.http.connections import Connection, Door
from serving.inference.model import Model, Reload
from serving.settings import Settings

logger = logging.getLogger("serving")

FAILED = 1

LAST_CALL_SECONDS = 0.2
"""How long connections are still answered once nobody is let in any more."""

LINGER_SECONDS = 2
"""How long requests may take to end once the service has stopped."""

KEEP_ALIVE_SECONDS = 75
"""How long a connection may be idle between two requests; longer than proxies keep theirs."""


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


@dataclass
class _Reloads:
    """Reloads that were asked for by signal; a terminal that closes asks for one, too."""

    model: Model
    begun: set[asyncio.Task[Reload]] = field(default_factory=set)

    def ask(self) -> None:
        task = asyncio.create_task(self.model.reload())
        self.begun.add(task)  # the loop alone would forget it
        task.add_done_callback(self.begun.discard)


class _Server(uvicorn.Server):
    """uvicorn, with signals left to this module, and a last call before connections are closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await asyncio.sleep(LAST_CALL_SECONDS)
        await super().shutdown(sockets)


async def serve(settings: Settings, *, predicts: bool) -> int:
    """Answer on the configured port until SIGTERM or SIGINT; returns the exit code.

    Raises SettingsError before anything listens when a secret is missing or weak, and ListenError.
    """
    stop = _Stop()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.ask)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that closes stops nothing
    app = create_app(settings, predicts=predicts, on_failure=stop.fail)
    if app.service.model is not None:
        loop.add_signal_handler(signal.SIGHUP, _Reloads(app.service.model).ask)
    door = Door(settings, app.service.metrics)
    config = uvicorn.Config(
        cast("Any", app),
        http=cast("Any", partial(Connection, door=door)),
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=settings.backlog,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=LINGER_SECONDS,
    )
    port = settings.port if predicts else settings.auth_port
    listening = _listen(settings.host, port, shared=settings.share_port)
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    asked = asyncio.create_task(stop.requested.wait())
    watching = asyncio.create_task(door.watch())
    await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
    cut_off = await app.drain(settings.grace_seconds)
    logger.info("stopping", extra={"cut_off": cut_off})
    if cut_off and app.service.model is not None:
        app.service.model.close()
    server.should_exit = True
    await serving
    watching.cancel()
    return stop.code


def _listen(host: str, port: int, *, shared: bool) -> socket.socket:
    """A socket bound to the address, which nobody else has unless it is `shared`."""
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(address)
    except OSError as error:
        raise ListenError(f"{host}:{port}: {error.strerror or error}") from error
    return listening
