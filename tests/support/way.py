"""What lies between a client and a server: answers 500 as often as told, or holds requests."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.support.process import answering
from tests.support.waiting import PATIENCE


@dataclass
class Way:
    """The next `failures` requests are answered 500; once `puts` PUTs passed, the others wait."""

    address: str = ""
    failures: int = 0
    puts: int | None = None
    held: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    passed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fails(self) -> bool:
        """Whether this request is one of those."""
        with self.lock:
            self.failures -= 1
            return self.failures >= 0

    def holds(self, method: str) -> bool:
        """Whether this request is held back."""
        with self.lock:
            if method != "PUT" or self.puts is None:
                return False
            self.puts -= 1
            return self.puts < 0


@contextmanager
def way_to(server: str) -> Iterator[Way]:
    """A way to `server`; signatures stay valid, for the Host field is passed on as it is."""
    way = Way()
    target = urlsplit(server).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if way.holds(self.command):
                way.held.set()
                way.go_on.wait()
                self.close_connection = True
                return
            if way.fails():
                self.answer(500, {}, b"")
                return
            connection = http.client.HTTPConnection(target, timeout=PATIENCE)
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
            way.passed.append(f"{self.command} {self.path}")
            self.answer(answer.status, dict(answer.getheaders()), content)
            connection.close()

        def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            length = headers.get("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with answering(Handler) as way.address:
        try:
            yield way
        finally:
            way.go_on.set()
