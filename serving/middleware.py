"""Around every request, matched by a route or not: its id, its log line, its metrics."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from http import HTTPStatus
from random import Random
from typing import Any

from litestar import Litestar
from litestar.types import HTTPScope, Message, Receive, Send

from serving.access.limits import client_address
from serving.service import Service
from serving.settings import Settings

logger = logging.getLogger("serving.requests")

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ids = Random()
"""Names of requests, which guard nothing; the system's own random numbers would cost each of them
a wait for the interpreter."""
_METHODS = frozenset(("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"))
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
_NOT_KEPT = (b"cache-control", b"no-store")
_UNMATCHED = "unmatched"


class RequestMiddleware:
    """The application as the server runs it: requests with an id, counted, timed and logged.

    Stands outside Litestar because its middleware sees no request that matches no route.
    """

    def __init__(self, app: Litestar, service: Service) -> None:
        self.app = app
        self.service = service
        self.in_flight = 0
        self._idle = asyncio.Event()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.in_flight += 1
        self.service.metrics.in_flight.set(self.in_flight)
        try:
            await self._answer(scope, receive, send)
        finally:
            self.in_flight -= 1
            self.service.metrics.in_flight.set(self.in_flight)
            if self.in_flight == 0:
                self._idle.set()

    async def drain(self, seconds: float) -> int:
        """Refuse products and wait for the requests in flight; how many are left at the end."""
        self.service.stopping = True
        deadline = time.monotonic() + seconds
        while self.in_flight and (left := deadline - time.monotonic()) > 0:
            self._idle.clear()
            try:
                await asyncio.wait_for(self._idle.wait(), left)
            except TimeoutError:
                break
        return self.in_flight

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        started, status, unread = time.perf_counter(), 500, _has_body(scope)
        name = _request_id(scope)
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = name
        state["client"] = _client(scope, self.service.settings)

        is_head = scope["method"] == "HEAD"
        if is_head:
            scope = {**scope, "method": "GET"}

        async def receive_until_end() -> Any:
            nonlocal unread
            message = await receive()
            unread = unread and bool(message.get("more_body", False))
            return message

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (b"x-request-id", name.encode()), _NO_SNIFFING]
                private = scope.get("user") or status == HTTPStatus.UNAUTHORIZED
                if private and all(field != b"cache-control" for field, _ in headers):
                    headers.append(_NOT_KEPT)
                if unread or self.service.stopping:
                    # The connection is not used again, so the client is told not to.
                    headers.append((b"connection", b"close"))
                message["headers"] = headers
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self.app(scope, receive_until_end, send_with_headers)
        finally:
            method = "HEAD" if is_head else scope["method"]
            self._record(scope, method, status, time.perf_counter() - started)

    def _record(self, scope: HTTPScope, method: str, status: int, seconds: float) -> None:
        """Its metrics and its line of the log."""
        state: dict[str, Any] = scope["state"]
        method = method if method in _METHODS else "other"
        route = scope.get("path_template") or _UNMATCHED
        metrics, labels = self.service.metrics, (route, method, str(status))
        metrics.requests.labels(*labels).inc()
        metrics.request_seconds.labels(*labels).observe(seconds)
        user, model = scope.get("user"), self.service.model
        logger.info(
            "request",
            extra={
                "request_id": state["request_id"],
                "method": method,
                "route": route,
                "status": status,
                "milliseconds": round(seconds * 1000, 2),
                "client": state["client"],
                "user": user.username if user else None,
                "model": state.get("model") or (model.hash if model else None),
            },
        )


def _has_body(scope: HTTPScope) -> bool:
    """Whether the request announces a body (RFC 9112 section 6)."""
    return any(
        field == b"transfer-encoding" or (field == b"content-length" and value != b"0")
        for field, value in scope["headers"]
    )


def _client(scope: HTTPScope, settings: Settings) -> str:
    """The address the request comes from, of which the trusted proxies tell."""
    client = scope.get("client")
    peer = client[0] if client else "unknown"
    if not settings.trusted_proxies:
        return peer
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return client_address(peer, b",".join(forwarded).decode("latin-1"), settings.trusted_proxies)


def _request_id(scope: HTTPScope) -> str:
    """The client's X-Request-ID if it is one, else a new one."""
    for field, value in scope["headers"]:
        if field == b"x-request-id":
            given = value.decode("latin-1")
            if _ID.fullmatch(given):
                return given
    return f"{_ids.getrandbits(128):032x}"
