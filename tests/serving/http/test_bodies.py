"""Bodies: what they may hold, alone and together, and what parsing them costs."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from serving.http.bodies import Memory
from serving.http.problems import Problem
from serving.settings import Settings
from tests.support.process import Process, running
from tests.support.service import PASSWORD, SECRET, USER

BATCH = 32 * 2**20


def test_memory_is_shared_and_given_back() -> None:
    memory = Memory(Settings(bodies_bytes=100, max_body_bytes=20, max_batch_bytes=40))
    with memory.of("a") as first, memory.of("a") as second, memory.of("b") as other:
        first.add(30)
        with pytest.raises(Problem) as refusal:
            second.add(11)
        assert refusal.value.status_code == 503
        second.add(10)
        other.add(40)
        with memory.of("c") as late, pytest.raises(Problem):
            late.add(21)
    with memory.of("c") as late:
        late.add(40)


@pytest.fixture(scope="module")
def service(classifier_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("bodies") / "root"
    shutil.copytree(classifier_root, folder)
    variables = {
        "SECRET_KEY": SECRET,
        "TEST_USER": USER,
        "TEST_USER_PASSWORD": PASSWORD,
        "SERVING_PREDICT_LIMIT": "0",
    }
    with running(folder, variables) as process:
        yield process


def bearer(service: Process) -> dict[str, str]:
    form = {"username": USER, "password": PASSWORD}
    token = service.client.post("/token", data=form).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


class Pulse:
    """Asks for the health of the service all the time, and keeps the slowest answer."""

    def __init__(self, service: Process) -> None:
        self.slowest = 0.0
        self._port = service.port
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat)

    def _beat(self) -> None:
        while not self._ended.wait(0.01):
            started = time.monotonic()
            with socket.create_connection(("127.0.0.1", self._port), 10) as connection:
                connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
                assert connection.recv(4096).startswith(b"HTTP/1.1 200")
            self.slowest = max(self.slowest, time.monotonic() - started)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/x-ndjson", b"\n" * BATCH, 422),
        ("application/x-ndjson", b"1\n" * (BATCH // 2), 413),
        ("application/json", b"[" + b"1," * (BATCH // 2 - 2) + b"1]", 413),
        ("application/json", b"[[" + b"1," * (BATCH // 2 - 3) + b"1]]", 413),
        ("application/json", b'["' + b'\\"' * (BATCH // 2 - 2), 400),
        ("application/json", b"[" * BATCH, 413),
        ("application/json", b"[" + b" " * (BATCH - 2) + b"]", 422),
    ],
    ids=["empty lines", "lines", "elements", "nested", "no end of text", "brackets", "blanks"],
)
def test_a_body_of_millions_keeps_nobody_waiting(
    service: Process, kind: str, body: bytes, status: int
) -> None:
    headers = {**bearer(service), "Content-Type": kind}
    with Pulse(service) as pulse:
        answer = service.client.post("/predict/batch", headers=headers, content=body, timeout=30)
    assert answer.status_code == status, answer.text
    assert pulse.slowest < 0.5  # 0.05 s on a machine that does nothing else
    assert service.resident_megabytes() < 400


@pytest.mark.slow
def test_bodies_that_are_held_back_fill_no_memory(service: Process) -> None:
    authorization = bearer(service)["Authorization"]
    head = (
        f"POST /predict/batch HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {BATCH}\r\n\r\n"
    ).encode()
    before = service.resident_megabytes()
    with ExitStack() as stack:
        for _ in range(12):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            with suppress(ConnectionError):  # what is refused may be closed while it is sent
                connection.sendall(head + b"[" + b" " * (BATCH // 2))
        # A piece of each is in the hands of the server; all that is beyond the share was refused.
        assert service.resident_megabytes() - before < 150


@pytest.mark.slow
def test_who_may_ask_for_nothing_sends_no_batch(classifier_root: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(classifier_root, tmp_path / "root"))
    variables = {
        "SECRET_KEY": SECRET,
        "TEST_USER": USER,
        "TEST_USER_PASSWORD": PASSWORD,
        "SERVING_PREDICT_LIMIT": "2",
    }
    with running(folder, variables) as process:
        headers = bearer(process)
        batch = json.dumps([{"designation": "jeu"}] * 2)
        for expected in (200, 429):
            kind = {"Content-Type": "application/json"}
            answer = process.client.post("/predict/batch", headers=headers | kind, content=batch)
            assert answer.status_code == expected
        with socket.create_connection(("127.0.0.1", process.port), 5) as connection:
            connection.sendall(
                f"POST /predict/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
                f"Authorization: {headers['Authorization']}\r\n\r\n".encode()
            )
            assert connection.recv(4096).startswith(b"HTTP/1.1 429"), "before its body is there"
