"""Connections that would shut everyone out: idle ones, slow ones, many of them, odd ones."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from serving.http.connections import MAX_HEAD
from tests.support.process import Process
from tests.support.service import ACCOUNT
from tests.support.waiting import HELD_BACK, PATIENCE, wait_until

pytestmark = pytest.mark.slow

VARIABLES = {
    **ACCOUNT,
    "SERVING_PREDICT_LIMIT": "0",
    "SERVING_ADDRESS_CONNECTIONS": "20",
    "SERVING_CONNECTIONS": "120",
    "SERVING_CLIENT_SECONDS": HELD_BACK,
    "SERVING_METRICS": "open",
}
HEAD = b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def service(serve: Callable[..., Process]) -> Process:
    return serve(VARIABLES)


@pytest.fixture(scope="module")
def impatient(serve: Callable[..., Process]) -> Process:
    """A service that waits a second for its clients."""
    return serve({**VARIABLES, "SERVING_CLIENT_SECONDS": "1"})


def connect(service: Process, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(
        ("127.0.0.1", service.port), timeout=PATIENCE, source_address=(source, 0)
    )


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def asked(service: Process, request: bytes, source: str = "127.0.0.1") -> bytes:
    with connect(service, source) as connection:
        connection.sendall(request)
        return everything(connection)


def last(answer: bytes) -> bytes:
    """The head of the final answer, behind interim ones."""
    *_, head = [part for part in answer.split(b"\r\n\r\n") if part.startswith(b"HTTP/1.1")]
    return head


def test_one_address_does_not_shut_out_another(service: Process) -> None:
    closing = b"Connection: close\r\n\r\n"
    with ExitStack() as stack:
        for number in range(50):
            idle = stack.enter_context(connect(service))
            if number % 2:
                idle.sendall(HEAD + b"Content-Length: 100\r\n\r\nusername=a")
        refused = asked(service, b"GET /status HTTP/1.1\r\nHost: x\r\n" + closing)
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after" in refused.lower()
        assert b"too many connections from this address" in refused
        assert asked(service, LIVE + closing).startswith(b"HTTP/1.1 200"), "health is answered"
        other = asked(service, b"GET /status HTTP/1.1\r\nHost: x\r\n" + closing, "127.0.0.2")
        assert other.startswith(b"HTTP/1.1 200")
    assert 'limit_refusals_total{limit="connections"}' in service.client.get("/metrics").text


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", b""),
        (b"GET /status HTTP/1.1\r\nHo", b"408"),
        (HEAD + b"Content-Length: 100\r\n\r\nusername=a", b"408"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n", b"408"),
    ],
    ids=["nothing", "half a head", "half a body", "half a chunked body"],
)
def test_a_client_that_sends_no_more_is_let_go(
    service: Process, impatient: Process, sent: bytes, status: bytes
) -> None:
    """After the seconds that are set: one who is given more is still waited for then."""
    with connect(service) as waited_for, connect(impatient) as connection:
        waited_for.sendall(sent)
        started = time.monotonic()
        connection.sendall(sent)
        answer = connection.recv(4096)
        assert time.monotonic() - started > 0.5, "not at once"
        assert answer.startswith(b"HTTP/1.1 " + status if status else b"")
        assert bool(answer) == bool(status)
        waited_for.setblocking(False)
        with pytest.raises(BlockingIOError):
            waited_for.recv(1)


def test_a_client_that_takes_no_answer_is_let_go(impatient: Process) -> None:
    """The system holds a few megabytes of answers for it, the service no more."""
    request = b"GET /schema/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(PATIENCE)
        deaf.connect(("127.0.0.1", impatient.port))

        def let_go() -> bool:
            try:
                deaf.sendall(request * 10)
            except ConnectionError:
                return True
            return False

        wait_until(let_go)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"NO HTTP\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (MAX_HEAD + 1) + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * (MAX_HEAD + 1) + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 200_000, 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X:\r\n" * 2_000 + b"\r\n", 431),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 300_000, 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nno chunk\r\n", 400),
        (CHUNKED + b"0\r\n" + b"X: a\r\n" * 1_000_000, 431),
        (CHUNKED + b"0\r\nX: " + b"a" * 6_000_000, 431),
        (CHUNKED + b"1;" + b"a" * 6_000_000, 431),
        (CHUNKED + b"0" * 6_000_000, 431),
        (b"\r\n" * 3_000_000, 431),
    ],
    ids=[
        *("no http", "long field", "long path", "many fields", "empty fields"),
        *("small chunks", "no chunk"),
        *("fields behind", "a long field behind", "chunk extension", "size of a chunk", "nothing"),
    ],
)
def test_what_the_http_server_refuses_is_problem_details(
    service: Process, request_: bytes, status: int
) -> None:
    before, held = service.processor_seconds(), service.resident_megabytes()
    with connect(service) as connection:
        with suppress(ConnectionError):  # it may be refused before it was all sent
            connection.sendall(request_)
        answer = connection.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode()), answer
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == status
    assert b"\r\nserver:" not in head.lower()
    assert b"x-content-type-options: nosniff" in head
    assert service.processor_seconds() - before < 10
    assert service.resident_megabytes() - held < 30


@pytest.mark.parametrize(
    "head",
    [
        b"GET /status HTTP/1.1\r\n",
        b"GET /status HTTP/1.1\r\nHost: a\r\nHost: a\r\n",
        b"GET /status HTTP/1.1\r\nHost: a/b@c\r\n",
        b"GET /status HTTP/1.0\r\nHost: a b\r\n",
        b"GET /status HTTP/2.0\r\nHost: x\r\n",
        b"GET /status HTTP/0.9\r\n",
        LIVE + b"Authorization: Bearer a\r\nauthorization: Bearer b\r\n",
        LIVE + b"Content-Type: text/plain\r\nContent-Type: application/json\r\n",
        LIVE + b"Content-Length: 1\r\nContent-Length: 1\r\n",
        LIVE + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        LIVE + b"Transfer-Encoding: gzip, chunked\r\n",
        LIVE + b"Transfer-Encoding: chunked, chunked\r\n",
        LIVE + b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 10\r\n",
    ],
)
def test_what_a_proxy_may_read_otherwise_is_refused(service: Process, head: bytes) -> None:
    answer = asked(service, head + b"\r\nusername=a")
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"400"]


@pytest.mark.parametrize("host", [b"", b"x", b"127.0.0.1:8000", b"[::1]:8000", b"a-b.example."])
def test_any_host_is_answered(service: Process, host: bytes) -> None:
    head = b"GET /status HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
    answer = asked(service, head)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"\r\nserver:" not in answer.lower(), "no banner"
    assert asked(service, b"GET /status HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_another_protocol_is_not_taken_up(service: Process) -> None:
    upgrade = b"GET /status HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    answer = asked(service, upgrade + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200"]
    assert b"connection: close" in answer


def test_fields_behind_the_body_are_none_of_the_head(service: Process) -> None:
    """A token there, or an address, would be one that no proxy has seen."""
    token = service.log_in()["Authorization"].encode()
    head = b"GET /verify-token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    assert asked(service, head + b"Authorization: " + token + b"\r\n\r\n")[9:12] == b"200"
    behind = b"Transfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: " + token + b"\r\n\r\n"
    assert asked(service, head + behind)[9:12] == b"401"


def test_what_is_refused_has_a_line_with_its_client(root: Path) -> None:
    """And nobody writes anything else."""
    process = Process(root, VARIABLES)
    try:
        process.wait_ready()
        asked(process, b"NO HTTP\r\n\r\n", "127.0.0.3")
        upgrade = b"Connection: close, upgrade\r\nUpgrade: websocket\r\n\r\n"
        asked(process, LIVE + upgrade)
        assert process.stop() == 0
        lines = [json.loads(line) for line in process.output().splitlines()]
    finally:
        process.close()
    [refused] = [line for line in lines if line["message"] == "refused"]
    assert (refused["status"], refused["client"]) == (400, "127.0.0.3")
    assert refused["reason"] == "The request is no valid HTTP."


def test_a_client_that_half_closes_is_answered(service: Process) -> None:
    body = b"username=alice&password=wrong-guess"
    with connect(service) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        connection.shutdown(socket.SHUT_WR)
        answer = everything(connection)
    assert last(answer).startswith(b"HTTP/1.1 400")
    assert b"invalid_grant" in answer


def test_what_is_answered_before_the_body_was_read_arrives(service: Process) -> None:
    body = b"a" * 900_000
    for _ in range(5):
        answer = asked(service, HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert answer.startswith(b"HTTP/1.1 413"), answer


def test_a_request_behind_another_waits_for_its_turn(service: Process) -> None:
    closing = b"Connection: close\r\n\r\n"
    answer = asked(service, LIVE + b"\r\n" + b"GET /none HTTP/1.1\r\nHost: x\r\n" + closing)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"404"]


@pytest.mark.parametrize("path", ["/", "/status", "/health/live", "/schema", "/schema/style.css"])
def test_head_is_get_without_its_body(service: Process, path: str) -> None:
    shown, head = service.client.get(path), service.client.head(path)
    assert head.status_code == shown.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == shown.headers["content-length"]
    assert service.client.head("/token").status_code == 405
