"""A web server on 127.0.0.1 that misbehaves as told, and a tiny catalogue for it to serve.

It serves files below plain paths, with ETag and ranges, and files of a dataset repository with
the routes and headers that the Hugging Face hub answers `resolve` requests with.
"""

from __future__ import annotations

import hashlib
import io
import math
import socket
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from stages.common.paths import FILES, IMAGES, TEST_PRODUCTS, TRAIN_CODES, TRAIN_PRODUCTS
from stages.common.settings import WatchedFiles
from tests.support.process import answering

REPOSITORY = "somebody/a-catalogue"
COMMIT = "5f" * 20
ALWAYS = math.inf


def watched(folder: Path | str = "x") -> WatchedFiles:
    """What is watched of a catalogue in `folder`."""
    names = {
        "train_products": TRAIN_PRODUCTS,
        "train_codes": TRAIN_CODES,
        "test_products": TEST_PRODUCTS,
        "images": IMAGES,
    }
    return WatchedFiles(**{key: f"{folder}/{name}" for key, name in names.items()})


def catalogue_content() -> dict[str, bytes]:
    """Four files that pass for a catalogue; the archive is large enough to be cut in the middle."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as pictures:
        noise = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(50_000))
        # With ZipInfo's own date: the current time would make every archive another one.
        pictures.writestr(zipfile.ZipInfo("images/image_train/image_1_product_2.jpg"), noise)
    return {
        TRAIN_PRODUCTS: b",designation,description,productid,imageid\n0,Piscine,,2,1\n",
        TRAIN_CODES: b",prdtypecode\n0,2583\n",
        TEST_PRODUCTS: b",designation,description,productid,imageid\n1,Roman,,4,3\n",
        IMAGES: archive.getvalue(),
    }


def write_catalogue(folder: Path) -> dict[str, bytes]:
    content = catalogue_content()
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return content


def assert_is_catalogue(folder: Path, content: dict[str, bytes]) -> None:
    """Exactly the four files, nothing half-written beside them."""
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert {name: (folder / name).read_bytes() for name in FILES} == content


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    """Names in lower case."""


@dataclass
class Fault:
    """What goes wrong with one path, for as many GET requests as `times` says."""

    kind: str
    """cut, corrupt or status."""
    times: float = 1
    offset: int = 0
    """cut: the byte of the file before which the connection ends."""
    status: int = 503
    code: str | None = None
    """The hub's X-Error-Code beside the status."""


@dataclass
class Loopback:
    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    ranges: bool = True
    """Whether a Range header is honoured."""
    etags: bool = True
    """Whether files below plain paths have an ETag."""

    def publish(self, content: dict[str, bytes], below: str = "/data") -> None:
        self.files |= {f"{below}/{name}": data for name, data in content.items()}

    def publish_repository(
        self, content: dict[str, bytes], revision: str = "main", kind: str = "datasets/"
    ) -> None:
        self.publish(content, hub_path("", revision, kind).rstrip("/"))

    def transfers(self, path: str) -> list[str | None]:
        """The Range header of every GET request for the path, None where there was none."""
        return [
            request.headers.get("range")
            for request in self.requests
            if request.method == "GET" and request.path == path
        ]


def hub_path(name: str, revision: str = "main", kind: str = "datasets/") -> str:
    """Where the hub has a file; models lie at its root."""
    return f"/{kind}{REPOSITORY}/resolve/{revision}/{name}"


@contextmanager
def serve() -> Iterator[Loopback]:
    loopback = Loopback()

    class Handler(_Handler):
        state = loopback

    with answering(Handler) as loopback.address:
        yield loopback


class _Handler(BaseHTTPRequestHandler):
    state: Loopback
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        # A client that has what it wants closes its connections without ceremony.
        with suppress(ConnectionError):
            super().handle()

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests read `requests`."""

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.state.requests.append(Request(self.command, path, query, headers))
        fault = self._take_fault(path)
        if fault and fault.kind == "status":
            self._send_status(fault.status, fault.code)
        elif path in self.state.redirects:
            self._send_redirect(path)
        elif path in self.state.files:
            self._send_file(path, fault)
        else:
            self._send_status(404, _missing_code(path))

    def _take_fault(self, path: str) -> Fault | None:
        fault = self.state.faults.get(path)
        if fault is None or fault.times <= 0 or (self.command == "HEAD" and fault.kind != "status"):
            return None
        fault.times -= 1
        return fault

    def _send_status(self, status: int, code: str | None) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_redirect(self, path: str) -> None:
        """As the hub sends for a large file: all about it, and where it lies."""
        self.send_response(302)
        self.send_header("Location", self.state.redirects[path])
        self._send_hub_headers(path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_hub_headers(self, path: str) -> None:
        content = self.state.files[path]
        self.send_header("X-Repo-Commit", COMMIT)
        if path.endswith(".zip"):
            self.send_header("X-Linked-Etag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Linked-Size", str(len(content)))
            self.send_header("ETag", f'"{_md5(content)}"')
        else:
            blob = b"blob %d\0" % len(content) + content
            name = hashlib.sha1(blob, usedforsecurity=False).hexdigest()
            self.send_header("ETag", f'"{name}"')

    def _send_file(self, path: str, fault: Fault | None) -> None:
        content = self.state.files[path]
        start = 0
        requested = self.headers.get("Range")
        if requested and self.state.ranges and self.command == "GET":
            start = int(requested.removeprefix("bytes=").partition("-")[0])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if self.state.ranges:
            self.send_header("Accept-Ranges", "bytes")
        if "/resolve/" in path:
            self._send_hub_headers(path)
        elif self.state.etags:
            self.send_header("ETag", f'"{_md5(content)}"')
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault and fault.kind == "corrupt":
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]
        if fault and fault.kind == "cut":
            self.wfile.write(content[start : fault.offset])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            self.close_connection = True
        else:
            self.wfile.write(content[start:])


def _missing_code(path: str) -> str | None:
    """What the hub says is missing: the repository, the revision, or the file in it."""
    if "/resolve/" not in path:
        return None
    if f"/{REPOSITORY}/" not in path:
        return "RepoNotFound"
    return "EntryNotFound" if "/resolve/main/" in path else "RevisionNotFound"


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
