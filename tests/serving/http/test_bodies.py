"""Bodies: what they may hold, alone and together, and what parsing them costs."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from serving.errors import Unavailable
from serving.http import bodies
from serving.http.body_budget import BodyBudget
from serving.settings import Settings
from tests.support.process import Process, running
from tests.support.service import ACCOUNT, Client
from tests.support.waiting import PATIENCE

BATCH = 32 * 2**20


def test_the_budget_is_shared_and_given_back() -> None:
    budget = BodyBudget(Settings(bodies_bytes=100, max_body_bytes=20, max_batch_bytes=40))
    take = budget.reservation
    with take("a") as first, take("a") as second, take("b") as other:
        first(30)
        with pytest.raises(Unavailable, match="holds as many bodies as it can"):
            second(11)
        second(10)
        other(40)
        with take("c") as late, pytest.raises(Unavailable):
            late(21)
    with take("c") as late:
        late(40)


@pytest.fixture(scope="module")
def service(serve: Callable[..., Process]) -> Process:
    return serve({**ACCOUNT, "SERVING_PREDICT_LIMIT": "0"})


@pytest.mark.parametrize(
    ("path", "parsing"), [("/predict", "check_product"), ("/predict/batch", "_array")]
)
def test_others_are_answered_while_a_large_body_is_parsed(
    client: Client,
    auth: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    parsing: str,
) -> None:
    begun, go, parse = threading.Event(), threading.Event(), getattr(bodies, parsing)

    def held(*given: Any) -> Any:
        begun.set()
        assert go.wait(PATIENCE), "nobody was answered meanwhile"
        return parse(*given)

    monkeypatch.setattr(bodies, parsing, held)
    product = json.dumps([{"designation": "jeu"}] if "batch" in path else {"designation": "jeu"})
    body = product.ljust(bodies.INLINE_BYTES + 1).encode()
    headers = {**auth, "Content-Type": "application/json"}
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.post, path, headers=headers, content=body)
        assert begun.wait(PATIENCE)
        assert client.get("/health/live").status_code == 200
        go.set()
        assert asked.result().status_code == 200


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
def test_a_body_of_millions_costs_hardly_more_than_its_bytes(
    service: Process, kind: str, body: bytes, status: int
) -> None:
    """Read to its end it would take ten times the processor time, or a gigabyte."""
    headers = {**service.log_in(), "Content-Type": kind}

    def seconds(body: bytes, status: int) -> float:
        before = service.processor_seconds()
        answer = service.client.post("/predict/batch", headers=headers, content=body)
        assert answer.status_code == status, answer.text
        return service.processor_seconds() - before

    blanks = seconds(b" " * BATCH, 422 if "nd" in kind else 400)
    assert seconds(body, status) < 4 * blanks
    assert service.peak_megabytes() < 400


@pytest.mark.slow
def test_bodies_that_are_held_back_fill_no_memory(service: Process) -> None:
    authorization = service.log_in()["Authorization"]
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
def test_who_may_ask_for_nothing_sends_no_batch(root: Path) -> None:
    with running(root, {**ACCOUNT, "SERVING_PREDICT_LIMIT": "2"}) as process:
        headers = process.log_in()
        batch = json.dumps([{"designation": "jeu"}] * 2)
        for expected in (200, 429):
            kind = {"Content-Type": "application/json"}
            answer = process.client.post("/predict/batch", headers=headers | kind, content=batch)
            assert answer.status_code == expected
        with socket.create_connection(("127.0.0.1", process.port), PATIENCE) as connection:
            connection.sendall(
                f"POST /predict/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
                f"Authorization: {headers['Authorization']}\r\n\r\n".encode()
            )
            assert connection.recv(4096).startswith(b"HTTP/1.1 429"), "before its body is there"
