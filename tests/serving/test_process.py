"""The service as it runs: a process that starts, refuses, shares, stops."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from serving import server
from serving.classifier import manifest
from serving.errors import ListenError
from serving.inference import lock
from tests.support import tiny
from tests.support.answers import is_problem
from tests.support.held import HELD
from tests.support.process import (
    VARIABLES,
    Process,
    free_port,
    gauge,
    running,
    wait_in_flight,
)
from tests.support.repository import ROOT
from tests.support.service import PASSWORD, SECRET, USER
from tests.support.waiting import PATIENCE, WITHOUT_TLS, wait_answered, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shared(serve: Callable[..., Process]) -> Process:
    log = {"SERVING_LOGGER_PATH": "logs/serving.log"}
    return serve({**VARIABLES, **log, "SERVING_MAX_BATCH_BYTES": "300000"})


def queued(process: Process) -> float:
    return gauge(process, "classifier_queue_depth")


def ended(folder: Path, variables: dict[str, str], code: int) -> str:
    process = Process(folder, variables)
    try:
        output = process.output()
        assert process.process.returncode == code, output
        assert "Traceback" not in output
        return output
    finally:
        process.close()


def test_no_secret_no_start(root: Path) -> None:
    said = ended(root, {}, 2)
    assert "SECRET_KEY is not set" in said
    assert "secrets.token_urlsafe" in said
    weak = ended(root, {"SECRET_KEY": "changeme"}, 2)
    assert "SECRET_KEY has 8 bytes" in weak
    assert "changeme" not in weak


def test_a_changed_classifier_is_not_served(root: Path) -> None:
    path = root / "models" / "classifier" / "fusion.json"
    path.write_bytes(path.read_bytes() + b"\n")
    said = ended(root, VARIABLES, 1)
    assert "fusion.json" in said
    assert "sha256" in said


def test_a_classifier_with_a_manifest_of_its_own_is_not_served(root: Path) -> None:
    folder = root / "models" / "classifier"
    manifest.write(folder, {"parameters": {"text": {"model": "another"}}})
    said = ended(root, VARIABLES, 1)
    assert lock.directory_hash(lock.md5_of_files(folder)) in said
    assert lock.read_lock(folder, root / "dvc.lock").hash in said


def test_a_taken_port_is_told(root: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = ended(root, {**VARIABLES, "SERVING_PORT": port}, 2)
    assert port in said


def test_it_is_small(root: Path) -> None:
    with running(root, VARIABLES) as process:
        headers = process.log_in()
        files = {"image": tiny.picture(size=500)}
        for _ in range(20):
            assert process.client.post("/predict", headers=headers, files=files).is_success
        assert process.resident_megabytes() < 200
        assert process.stop() == 0


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/predict", "multipart/form-data; boundary=b"),
        ("/predict", "application/json"),
        ("/predict/batch", "application/json"),
        ("/predict/batch", "application/x-ndjson"),
        ("/token", "application/x-www-form-urlencoded"),
    ],
)
def test_oversized_chunked_bodies_get_413(shared: Process, path: str, kind: str) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\n'
        for _ in range(350):
            yield b"x" * 1000

    headers = {**shared.log_in(), "Content-Type": kind}
    response = shared.client.post(path, headers=headers, content=chunks())
    assert is_problem(response, 413)


def test_many_at_once_are_all_answered(shared: Process) -> None:
    headers = shared.log_in()

    def ask(number: int) -> Any:
        product = {"designation": "livre", "imageid": number}
        return shared.client.post("/predict", headers=headers, json=product)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(64)))
    assert [answer.json()["imageid"] for answer in answers] == list(range(64))


def test_the_log_has_a_line_for_each_request_and_no_secret(shared: Process) -> None:
    headers = shared.log_in()
    sent = {**headers, "X-Request-ID": "seen-in-the-log"}
    product = {"designation": "livre très secret"}
    shared.client.post("/predict?a=secret-query", headers=sent, json=product)
    shared.client.get("/secret-path")
    text = (shared.folder / "logs" / "serving.log").read_text("utf-8")  # type: ignore[attr-defined]
    lines = [json.loads(line) for line in text.splitlines()]
    [line] = [line for line in lines if line.get("request_id") == "seen-in-the-log"]
    assert (line["method"], line["route"], line["status"]) == ("POST", "/predict", 200)
    assert line["user"] == USER
    assert line["model"].endswith(".dir")
    assert line["milliseconds"] > 0
    for secret in (SECRET, PASSWORD, headers["Authorization"].split()[1], "secret"):
        assert secret not in text


def test_authentication_runs_beside(root: Path) -> None:
    with running(root, VARIABLES, "auth") as tokens, running(root, VARIABLES) as predicting:
        headers = tokens.log_in()
        assert tokens.client.get("/verify-token", headers=headers).json()["username"] == USER
        assert tokens.client.post("/predict", headers=headers, json={}).status_code == 404
        assert "/predict" not in tokens.client.get("/schema").json()["paths"]
        answer = predicting.client.post("/predict", headers=headers, json={"designation": "jeu"})
        assert answer.json()["predicted"] == 2905


def test_a_stopping_service_finishes_what_it_began(root: Path) -> None:
    with running(root, VARIABLES) as process:
        headers = process.log_in()
        go_on = threading.Event()

        def slowly() -> Iterator[bytes]:
            yield b'{"designation":'
            go_on.wait(PATIENCE)
            yield b'"jeu"}'

        def ask() -> Any:
            kind = {"Content-Type": "application/json"}
            return process.client.post("/predict", headers=headers | kind, content=slowly())

        wait_in_flight(process, 0)
        with ThreadPoolExecutor(1) as pool:
            begun = pool.submit(ask)
            wait_in_flight(process, 1)
            process.process.terminate()
            wait_until(lambda: process.client.get("/health/ready").status_code == 503)
            assert process.client.get("/health/live").status_code == 200
            refused = process.client.post("/predict", headers=headers, json={"designation": "jeu"})
            assert refused.status_code == 503
            assert "retry-after" in refused.headers
            go_on.set()
            assert begun.result().json()["predicted"] == 2905
        assert process.process.wait(PATIENCE) == 0


def test_stopping_tokens_alone_are_not_ready(root: Path) -> None:
    with (
        running(root, VARIABLES, "auth") as process,
        socket.create_connection(("127.0.0.1", process.port)) as slow,
    ):
        wait_in_flight(process, 0)
        slow.sendall(
            b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\nusername=a&"
        )
        wait_in_flight(process, 1)
        process.process.terminate()
        wait_until(lambda: process.client.get("/health/ready").status_code == 503)
        slow.sendall(b"password=wrong-guess")
        answer = b""
        while piece := slow.recv(4096):
            answer += piece
        assert b"invalid_grant" in answer
        assert process.process.wait(PATIENCE) == 0


def test_a_stopping_service_does_not_wait_for_ever(root: Path) -> None:
    with running(root, {**VARIABLES, "SERVING_GRACE_SECONDS": "1"}) as process:
        headers = process.log_in()["Authorization"]
        wait_in_flight(process, 0)
        address = ("127.0.0.1", process.port)
        with socket.create_connection(address) as stuck, socket.create_connection(address) as begun:
            begun.sendall(b"POST /predict HTTP/1.1\r\nHost:")
            head = f"POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: {headers}\r\n"
            stuck.sendall(
                f"{head}Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{{".encode()
            )
            wait_in_flight(process, 1)
            assert process.stop() == 0
            for client in (stuck, begun):
                answer = client.recv(65536)
                assert answer.startswith(b"HTTP/1.1 503")
                assert b"The service is stopping." in answer


def test_a_client_that_leaves_harms_nobody(shared: Process) -> None:
    headers = shared.log_in()
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: {headers['Authorization']}\r\n"
    for rest in (
        "",
        "Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
        'Content-Type: application/json\r\nContent-Length: 21\r\n\r\n{"designation":"jeu"}',
    ):
        with socket.create_connection(("127.0.0.1", shared.port)) as leaving:
            leaving.sendall((head + rest).encode())
    answer = shared.client.post("/predict", headers=headers, json={"designation": "jeu"})
    assert answer.status_code == 200
    assert queued(shared) == 0


def test_a_client_that_leaves_the_queue_frees_its_place(root: Path) -> None:
    variables = {
        **VARIABLES,
        "SERVING_THREADS": "1",
        "SERVING_QUEUE": "1",
    }
    with running(root, variables, module="tests.support.held") as process:
        headers = process.log_in()
        product = b'{"designation": "jeu"}'
        head = (
            f"POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: {headers['Authorization']}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(product)}\r\n\r\n"
        )
        (root / HELD).touch()
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(
                process.client.post, "/explain", headers=headers, json={"designation": "livre"}
            )
            wait_until(lambda: gauge(process, "classifier_running") == 1)
            with socket.create_connection(("127.0.0.1", process.port)) as leaving:
                leaving.sendall(head.encode() + product)
                wait_until(lambda: queued(process) == 1)
                full = process.client.post("/predict", headers=headers, json={"designation": "x"})
                assert full.status_code == 503
                assert full.headers["retry-after"] == "1"
            wait_until(lambda: queued(process) == 0)
            (root / HELD).unlink()
            assert slow.result().status_code == 200
        left = 'http_requests_total{method="POST",route="/predict",status="499"} 1.0'
        wait_until(lambda: left in process.client.get("/metrics").text)


def test_the_grace_period_holds_whatever_runs(root: Path) -> None:
    variables = {**VARIABLES, "SERVING_GRACE_SECONDS": "1"}
    with running(root, variables, module="tests.support.held") as process:
        body = b'{"designation": "jeu"}'
        head = (
            f"POST /explain HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Authorization: {process.log_in()['Authorization']}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        (root / HELD).touch()  # and there it stays
        with socket.create_connection(("127.0.0.1", process.port)) as waiting:
            waiting.sendall(head.encode() + body)
            wait_until(lambda: gauge(process, "classifier_running") == 1)
            assert process.stop() == 0
            assert waiting.recv(12) == b"HTTP/1.1 503"


def test_two_processes_share_no_port_unless_told(root: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    shutil.copytree(root, second)
    with running(root, VARIABLES) as process:
        port = {"SERVING_PORT": str(process.port)}
        said = ended(second, {**VARIABLES, **port}, 2)
        assert f"{process.port}: Address already in use: process {process.process.pid}" in said
        assert "-m serving)" in said
        assert "SERVING_PORT" in said
        assert not list(second.glob("users.sqlite3*"))
    shared = {**VARIABLES, "SERVING_SHARE_PORT": "true"}
    with running(root, shared) as process:
        port = {"SERVING_PORT": str(process.port)}
        beside = Process(root, {**shared, **port}, quiet=True)
        try:
            beside.port = process.port
            beside.wait_ready()
            assert beside.stop() in (0, -signal.SIGTERM), "it may have been the other that answered"
        finally:
            beside.close()
        assert process.client.get("/health/live").status_code == 200


def test_a_port_is_taken_from_the_moment_a_process_has_it(root: Path) -> None:
    """Also while it still makes its application ready."""
    port = free_port()
    with (
        contextlib.closing(server._listen("127.0.0.1", port, 5, shared=False)),
        pytest.raises(ListenError, match=f"process {os.getpid()} has it"),
    ):
        server._listen("127.0.0.1", port, 5, shared=False)


def test_what_the_system_does_not_show_is_told_how_to_find(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "net_connections", lambda _: [])
    assert "ss -ltnp 'sport = :8000'" in server._holder(8000)


def test_a_start_that_fails_leaves_no_users_behind(root: Path) -> None:
    weak = {**VARIABLES, "TEST_USER_PASSWORD": "short"}
    assert "TEST_USER" in ended(root, weak, 2)
    assert not list(root.glob("users.sqlite3*"))
    (root / "models/classifier/labels.json").write_text("{}", encoding="utf-8")
    assert "labels.json" in ended(root, VARIABLES, 1)
    assert not list(root.glob("users.sqlite3*"))


def test_a_start_that_fails_keeps_users_that_were_there(root: Path) -> None:
    with running(root, VARIABLES) as process:
        assert process.stop() == 0
    (root / "models/classifier/labels.json").write_text("{}", encoding="utf-8")
    assert "labels.json" in ended(root, VARIABLES, 1)
    assert (root / "users.sqlite3").is_file()


@pytest.mark.parametrize("part", [(), ("auth",)])
def test_the_address_is_told_once_it_answers(root: Path, part: tuple[str, ...]) -> None:
    """On a terminal in words, beside the log, whose lines stay JSON."""
    port = free_port()
    variables = {**VARIABLES, "SERVING_PORT": str(port), "SERVING_AUTH_PORT": str(port)}
    terminal, side = pty.openpty()
    path = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "serving", *part],
        cwd=root,
        env=path | variables,
        stdout=subprocess.PIPE,
        stderr=side,
        text=True,
    )
    try:
        os.close(side)
        with open(terminal, encoding="utf-8") as lines:  # noqa: PTH123  # a descriptor
            assert lines.readline().startswith(f"Ready: http://127.0.0.1:{port} ")
        assert httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
        process.send_signal(signal.SIGTERM)
        logged = [json.loads(line) for line in process.communicate(timeout=15)[0].splitlines()]
        addresses = [line["address"] for line in logged if line["message"] == "ready"]
        assert addresses == [f"http://127.0.0.1:{port}"]
    finally:
        process.kill()
        process.wait(15)


def test_a_full_disk_behind_standard_output_costs_one_message(root: Path) -> None:
    port = free_port()
    with open("/dev/full", "w") as full, (root / "said").open("w") as said:  # noqa: PTH123
        process = subprocess.Popen(
            [sys.executable, "-m", "serving", "auth"],
            cwd=root,
            env={"PYTHONPATH": str(ROOT), **VARIABLES, "SERVING_AUTH_PORT": str(port)},
            stdout=full,
            stderr=said,
        )
    try:
        wait_answered(process, f"http://127.0.0.1:{port}/health/ready")
        for _ in range(3):
            assert httpx.get(f"http://127.0.0.1:{port}/status").status_code == 200
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait(PATIENCE)
    [line] = (root / "said").read_text("utf-8").splitlines()
    assert line.startswith("error: the log cannot be written")
    assert line.endswith("(standard output)")


@pytest.mark.parametrize("part", [(), ("auth",)])
def test_it_may_be_stopped_from_the_first_moment(root: Path, part: tuple[str, ...]) -> None:
    """Before it hears signals it ends by the signal, as any process does."""
    process = Process(root, VARIABLES, *part)
    try:
        assert process.stop() in (0, -signal.SIGTERM)
        assert "Traceback" not in process.output()
    finally:
        process.close()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_it_may_be_stopped_while_it_loads(root: Path, tmp_path: Path, name: str) -> None:
    """Though it would go on loading for ever."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (root / HELD).touch()
    variables = {**VARIABLES, "TMPDIR": str(temporary), "SERVING_LOGGER_PATH": "log"}
    process = Process(root, variables, module="tests.support.held", quiet=True)
    try:
        wait_until(lambda: bool(list(temporary.rglob("labels.json"))))
        process.process.send_signal(signal.Signals[name])
        assert process.process.wait(PATIENCE) == 0
        assert not list(temporary.glob("classifier-*")), "no copy of a classifier is left"
        lines = [json.loads(line) for line in (root / "log").read_text("utf-8").splitlines()]
        assert [line["message"] for line in lines] == ["added", "stopping"]
    finally:
        process.close()


def test_a_terminal_that_closes_stops_nothing(root: Path) -> None:
    with running(root, VARIABLES, "auth") as tokens, running(root, VARIABLES) as process:
        for each in (tokens, process):
            each.process.send_signal(signal.SIGHUP)
            assert each.client.get("/health/ready").status_code == 200
            assert each.stop() == 0


def test_clients_in_flight_get_an_answer_or_503(root: Path) -> None:
    with running(root, {**VARIABLES, "SERVING_LOGGER_PATH": "log"}) as process:
        headers = process.log_in()
        statuses: list[int] = []

        def ask() -> None:
            with suppress(httpx.TransportError):  # nobody listens any more
                while True:
                    answer = httpx.post(
                        f"http://127.0.0.1:{process.port}/predict",
                        headers=headers,
                        json={"designation": "livre"},
                        timeout=PATIENCE,
                        verify=WITHOUT_TLS,
                    )
                    statuses.append(answer.status_code)

        with ThreadPoolExecutor(6) as pool:
            asking = [pool.submit(ask) for _ in range(6)]
            wait_until(lambda: len(statuses) > 30)
            assert process.stop() == 0
            for each in asking:
                each.result()
        lines = map(json.loads, (root / "log").read_text("utf-8").splitlines())
        given = [line["status"] for line in lines if line.get("route") == "/predict"]
        assert sorted(statuses) == sorted(given), "what was taken up was answered, and arrived"
        assert set(statuses) <= {200, 503}
