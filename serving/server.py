"""One process that answers HTTP until it is asked to stop, and then finishes what it has begun."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import psutil
import uvicorn

from serving.app import create_app
from serving.errors import ListenError
from serving.http.connections import Connection, ConnectionLimiter
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


_SHOWN = 120
"""Characters of a command line that are shown."""


@dataclass
class _StopRequest:
    """Why the service stops: asked to (code 0), or because the classifier did not load."""

    code: int = 0
    requested: asyncio.Event = field(default_factory=asyncio.Event)

    def request(self) -> None:
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

    def begin(self) -> None:
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

    Raises ListenError, and SettingsError when a secret is missing or weak, before anything is
    answered. A start that fails leaves no users' database that was not there before.
    """
    stop = _StopRequest()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.request)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that closes stops nothing
    port = settings.port if predicts else settings.auth_port
    listening = _listen(settings.host, port, settings.backlog, shared=settings.share_port)
    ready = partial(_announce, _address(settings.host, listening))
    app = create_app(settings, predicts=predicts, on_failure=stop.fail, on_ready=ready)
    if app.service.model is not None:
        loop.add_signal_handler(signal.SIGHUP, _Reloads(app.service.model).begin)
    limiter = ConnectionLimiter(settings, app.service.metrics)
    config = uvicorn.Config(
        cast("Any", app),
        http=cast("Any", partial(Connection, limiter=limiter)),
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=settings.backlog,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=LINGER_SECONDS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    stopped = asyncio.create_task(stop.requested.wait())
    watching = asyncio.create_task(limiter.watch())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    cut_off = await app.drain(settings.grace_seconds)
    logger.info("stopping", extra={"cut_off": cut_off})
    if cut_off:
        app.service.abandon()
        limiter.close()
    server.should_exit = True
    await serving
    watching.cancel()
    if stop.code:
        app.service.users.discard(settings.test_user)
    return stop.code


def _address(host: str, listening: socket.socket) -> str:
    """Where a person on this machine finds what listens."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"


def _announce(address: str) -> None:
    """The address, to the log and to whoever sits before a terminal."""
    logger.info("ready", extra={"address": address})
    if sys.stderr.isatty():
        print(
            f"Ready: {address} ({address}/schema tells what to ask). Ctrl-C stops it.",
            file=sys.stderr,
        )


def _listen(host: str, port: int, backlog: int, *, shared: bool) -> socket.socket:
    """A socket that listens on the address, which nobody else has unless it is `shared`.

    It listens at once: until then another process could bind the address as well.
    """
    listening = None
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(address)
        listening.listen(backlog)
    except OSError as error:
        if listening is not None:
            listening.close()
        reason = error.strerror or str(error)
        if error.errno == errno.EADDRINUSE:
            reason += f": {_holder(port)}; stop that, or choose another port (SERVING_PORT)"
        raise ListenError(f"{host}:{port}: {reason}") from error
    return listening


def _holder(port: int) -> str:
    """Which process listens on `port`, or how it is found where the system does not let one see."""
    try:
        connections = psutil.net_connections("tcp")
        for connection in connections:
            pid, listens = connection.pid, connection.status == psutil.CONN_LISTEN
            if listens and connection.laddr.port == port and pid:
                command = " ".join(psutil.Process(pid).cmdline())[:_SHOWN]
                shown = "".join(c if c.isprintable() else "?" for c in command)
                return f"process {pid} has it ({shown})"
    except (psutil.Error, OSError):
        pass
    return f"another user's process has it (as root: ss -ltnp 'sport = :{port}')"
