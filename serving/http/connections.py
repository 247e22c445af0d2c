"""The connections of the HTTP server: how many, how slow, how large a head, and what is answered.

uvicorn speaks HTTP; what it leaves to a proxy in front of it is here, so that one address alone
cannot shut everyone out.
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from enum import Enum, auto
from functools import partial
from typing import Any, NoReturn

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serving.access.limits import counted, within
from serving.http import header_checks
from serving.http.problems import MEDIA_TYPE, Problem, busy
from serving.metrics import Metrics
from serving.settings import Settings

logger = logging.getLogger("serving.requests")

_server = logging.getLogger("serving.http")
_server.setLevel(logging.ERROR)
"""What uvicorn has to say; that a request is refused is logged here, with its client."""

HEALTH = "/health/"
"""Answered to every address, however many connections it has: a probe may come from there, too."""

LIMIT = "connections"
"""How the metric of refusals calls the limit of connections from one address."""

MAX_HEAD = 32 * 1024
"""Bytes of a request line and its header fields, and of what comes beside a body at a time."""

FIELD_BYTES = 32
"""What a field counts beside its letters, since a thousand empty ones are work, too."""

MAX_PIPELINED = 16
"""Requests that may wait on a connection behind one that is answered."""

BYTES_A_SECOND = 16 * 1024
"""What a body has to come with, once the time a client may take is used up."""

MANY_CHUNKS, BYTES_A_CHUNK = 1000, 64
"""A body in more chunks than that has to have so many bytes in each, on average."""

REFUSAL_SECONDS = 1.0
"""How long a connection over the limit may wait with its request, and waits for its refusal."""

DRAINED_BYTES, DRAINED_SECONDS = 2**20, 2.0
"""What is still read of a body after its answer: closed at once, a client might lose the answer."""

PIECE_BYTES = 256 * 1024
"""Of a body, what the application gets at a time."""

RESET_SECONDS = 0.05
"""How long a client that has disconnected may take to reset the connection."""

_SWEEP_SECONDS = 0.25


class Admission(Enum):
    """What a new connection may ask for."""

    ANYTHING = auto()
    HEALTH_ONLY = auto()
    NOTHING = auto()


class ConnectionLimiter:
    """Counts connections, of all clients and of each address, and ends those that take too long."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.seconds = float(settings.client_seconds)
        self._settings = settings
        self._metrics = metrics
        self._open: set[Connection] = set()
        self._addresses: dict[str, int] = {}

    def admit(self, connection: Connection, address: str) -> Admission:
        """Count a connection.

        It gets NOTHING where there are too many at all, or half of them are from the one address,
        and HEALTH_ONLY over the limit of one address.
        """
        most, key = self._settings.connections, counted(address)
        trusted = within(address, self._settings.trusted_proxies)
        count = 0 if trusted else self._addresses.get(key, 0) + 1
        if len(self._open) >= most or count > most // 2:
            self.refused()
            return Admission.NOTHING
        self._open.add(connection)
        if trusted:
            return Admission.ANYTHING
        self._addresses[key] = count
        over = count > self._settings.address_connections
        return Admission.HEALTH_ONLY if over else Admission.ANYTHING

    def release(self, connection: Connection, address: str) -> None:
        """Count it no longer."""
        if connection not in self._open:
            return
        self._open.remove(connection)
        key = counted(address)
        if key in self._addresses:
            self._addresses[key] -= 1
            if not self._addresses[key]:
                del self._addresses[key]

    def refused(self) -> None:
        """Count a refusal."""
        self._metrics.refusals.labels(LIMIT).inc()

    def close(self) -> None:
        """Refuse whose request is not there yet."""
        for connection in tuple(self._open):
            connection.stop()

    async def watch(self) -> None:
        """End what takes too long, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = loop.time()
            for connection in tuple(self._open):
                connection.check(now)


class Connection(HttpToolsProtocol):
    """One connection.

    `_until` is when the client must have done what it is to do now: send a head, go on with a
    body. While it waits for its answer it has all the time; while it takes the answer, it must not
    leave it in the buffer.
    """

    def __init__(self, *args: Any, limiter: ConnectionLimiter, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _server
        self._limiter = limiter
        self._address = ""
        self._until = math.inf
        self._unsent_since = math.inf
        self._probing_disconnect = False
        self._reading_head = self._incomplete = self._draining = self._discarding = False
        self._head = self._received = self._chunks = self._drained = self._unfinished = 0
        self._refusal: Problem | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = _LingeringTransport(transport, self)  # type: ignore[assignment]
        self._address = self.client[0] if self.client else ""
        admission = self._limiter.admit(self, self._address)
        self._until = self.loop.time() + self._limiter.seconds
        if admission is Admission.HEALTH_ONLY:
            self._until = self.loop.time() + REFUSAL_SECONDS
            self.app = self._answer_health_only
        elif admission is Admission.NOTHING:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._limiter.release(self, self._address)
        super().connection_lost(exc)

    def check(self, now: float) -> None:
        """End the connection if its client has disconnected, or has had its time."""
        if self._probing_disconnect:
            self._abort_if_reset()
        if not self.transport.get_write_buffer_size():
            self._unsent_since = math.inf
        elif now > (since := min(self._unsent_since, now)) + self._limiter.seconds:
            self.transport.abort()
            return
        else:
            self._unsent_since = since
        if now <= self._until:
            return
        self._until = math.inf
        if self._draining or not (self._reading_head or self._incomplete):
            self.transport.abort()
        else:
            self._refuse(Problem(408, "The request took too long to arrive."))

    def stop(self) -> None:
        """Refuse the request if it is still being sent: nobody will wait for it."""
        if self._incomplete and not self._draining:
            self._refuse(busy("The service is stopping."))

    def data_received(self, data: bytes) -> None:
        if self._draining or self._discarding:
            self._drained += len(data)
            if self._drained > DRAINED_BYTES:
                self.transport.abort()
            return
        if self.transport.is_closing():
            return
        self._unfinished += len(data)
        super().data_received(data)
        if self._unfinished > MAX_HEAD:
            self._refuse(_head_too_large())

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more: it may have disconnected, or wait for its answer.

        One that has disconnected answers the interim answer (RFC 9110 section 15.2) with a reset.
        """
        waiting = self.cycle is not None and not self.cycle.response_complete
        if self._draining or self._incomplete or not waiting:
            return False
        self.cycle.keep_alive = False
        if self.scope["http_version"] == "1.1" and not self.cycle.response_started:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._probing_disconnect = True
            self.loop.call_later(RESET_SECONDS, self._abort_if_reset)
        return True

    def _abort_if_reset(self) -> None:
        """Nobody reads any more from a socket whose other side is closed, so it is asked."""
        if not self.transport.is_closing():
            peer = self.transport.get_extra_info("socket")
            if peer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = self._received = self._chunks = self._unfinished = 0
        self._reading_head = self._incomplete = True
        self._until = min(self._until, self.loop.time() + self._limiter.seconds)

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Fields behind the body are none of the head's (RFC 9110 section 6.5.1)."""
        self._count(len(name) + len(value) + FIELD_BYTES)
        if self._reading_head:
            super().on_header(name, value)

    def _count(self, size: int) -> None:
        """Count what is of the head, or stands behind the body."""
        self._unfinished = 0
        self._head += size
        if self._head > MAX_HEAD:
            self._end_parsing(_head_too_large())

    def on_headers_complete(self) -> None:
        upgrades = self.parser.should_upgrade()
        try:
            header_checks.check(self.parser.get_http_version(), self.headers, upgrades=upgrades)
        except Problem as problem:
            self._end_parsing(problem)
        if len(self.pipeline) >= MAX_PIPELINED:
            self._end_parsing(Problem(400, "Too many requests wait behind each other."))
        self._reading_head = False
        self._until = self.loop.time() + self._limiter.seconds
        super().on_headers_complete()
        if upgrades:  # what follows is not parsed
            self.cycle.keep_alive = False

    def on_chunk_header(self) -> None:
        self._chunks += 1
        if self._chunks > MANY_CHUNKS and self._received < self._chunks * BYTES_A_CHUNK:
            self._end_parsing(Problem(400, "The body comes in chunks that are too small."))

    def on_body(self, body: bytes) -> None:
        self._unfinished = 0
        self._received += len(body)
        latest = self.loop.time() + self._limiter.seconds
        self._until = min(self._until + len(body) / BYTES_A_SECOND, latest)
        if not self.cycle.response_complete:
            # The application is woken for a large piece or for all that is left, not for each read.
            self.cycle.body += body
            if len(self.cycle.body) >= PIECE_BYTES:
                self.flow.pause_reading()
                self.cycle.message_event.set()

    def on_message_complete(self) -> None:
        self._incomplete = False
        self._until = math.inf
        super().on_message_complete()

    def _end_parsing(self, problem: Problem) -> NoReturn:
        """Have the parser give up, so that `problem` is answered."""
        self._refusal = problem
        raise ValueError(problem.detail)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is answered with a problem, as everything else is."""
        self._refuse(self._refusal or Problem(400, "The request is no valid HTTP."))

    def drain(self) -> bool:
        """Read on for a while before closing, if the client is still sending; False if not."""
        if not self._incomplete or self._draining:
            return False
        self._draining = True
        self._until = self.loop.time() + DRAINED_SECONDS
        self.flow.resume_reading()
        return True

    def _refuse(self, problem: Problem) -> None:
        """Answer instead of the application, and close.

        Where a complete request is being answered, that answer comes first and is the last; where
        this one waits behind others, theirs come first.
        """
        cycle = self.cycle
        answering = cycle is not None and not cycle.response_complete
        if answering and (cycle.response_started or not cycle.more_body):
            cycle.keep_alive = False
            self._discarding = True
        elif self.pipeline:
            self.pipeline[0] = cycle, partial(self._send_refusal, problem)
            self._discarding = True
        else:
            self.transport.write(_raw(problem))
            self._log(problem)
            if answering:
                cycle.disconnected = True
                cycle.message_event.set()
            self.transport.close()

    async def _send_refusal(self, problem: Problem, scope: Any, receive: Any, send: Any) -> None:
        """The application for a request that is refused when it is its turn."""
        fields, body = _parts(problem)
        headers = [(name.encode(), value.encode()) for name, value in fields.items()]
        status = problem.status_code
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._log(problem)

    def _log(self, problem: Problem) -> None:
        """A line about what the application knows nothing of."""
        about = {"status": problem.status_code, "client": self._address, "reason": problem.detail}
        logger.info("refused", extra=about)

    async def _answer_health_only(self, scope: Any, receive: Any, send: Any) -> None:
        """The application for an address with too many connections: nothing but its health."""
        if scope["path"].startswith(HEALTH):
            await self.config.loaded_app(scope, receive, send)
            return
        # Refused at once, a client would be back at once.
        self.flow.pause_reading()
        await asyncio.sleep(REFUSAL_SECONDS)
        self._limiter.refused()
        if not self.transport.is_closing():
            problem = busy("There are too many connections from this address.")
            await self._send_refusal(problem, scope, receive, send)


class _LingeringTransport:
    """Asked to close while its client is still sending, it reads on for a while first.

    Closed at once it would be reset, and the client might lose its answer (RFC 9112 section 9.6).
    """

    def __init__(self, transport: asyncio.Transport, connection: Connection) -> None:
        self._transport = transport
        self._connection = connection
        self._closing = False
        self.get_write_buffer_size = transport.get_write_buffer_size

    def write(self, data: bytes) -> None:
        if not self.is_closing():  # an answer that nobody is to get any more
            self._transport.write(data)

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        if self._transport.is_closing() or not self._connection.drain():
            self._transport.close()
        else:
            self._transport.write_eof()

    def abort(self) -> None:
        self._closing = True
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._closing or self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)


def _head_too_large() -> Problem:
    return Problem(431, f"The request line and its fields have more than {MAX_HEAD} bytes.")


def _parts(problem: Problem) -> tuple[dict[str, str], bytes]:
    """Header fields and body of an answer, after which the connection is closed."""
    body = msgspec.json.encode(problem.details(""))
    fields = {
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        "connection": "close",
        "x-content-type-options": "nosniff",
        **(problem.headers or {}),
    }
    return fields, body


def _raw(problem: Problem) -> bytes:
    """The answer as it goes over the wire."""
    fields, body = _parts(problem)
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return STATUS_LINE[problem.status_code] + head.encode() + b"\r\n" + body
