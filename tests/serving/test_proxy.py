"""The service behind nginx, as conf/nginx sets it up."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from serving.classifier.classifier import LABELS_FILE
from tests.support import tiny
from tests.support.process import Process, free_port, running
from tests.support.repository import ROOT
from tests.support.service import ACCOUNT, PASSWORD, USER
from tests.support.waiting import PATIENCE, wait_until

UPSTREAMS = ("service", "auth")

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
]

VARIABLES = {
    **ACCOUNT,
    "SERVING_METRICS": "open",
    "SERVING_TRUSTED_PROXIES": "127.0.0.1",
    "SERVING_TOKEN_ADDRESS_LIMIT": "2",
}


def configuration(folder: Path, port: int, services: Sequence[int]) -> str:
    """conf/nginx/service.conf on that port, before services on these ports."""
    server = (ROOT / "conf" / "nginx" / "service.conf").read_text("utf-8")
    server = server.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    replicas = " ".join(f"server 127.0.0.1:{service} max_fails=0;" for service in services)
    upstreams = "".join(f"upstream {name} {{ {replicas} keepalive 8; }}\n" for name in UPSTREAMS)
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;\n"
        f"events {{ worker_connections 2048; }}\n"
        f"http {{ access_log off;\n{paths}{upstreams}{server}}}\n"
    )


@contextmanager
def nginx(folder: Path, *services: int) -> Iterator[int]:
    """nginx before the services on those ports; its own port."""
    port = free_port()
    folder.mkdir()
    (folder / "nginx.conf").write_text(configuration(folder, port, services), "utf-8")
    process = subprocess.Popen(  # noqa: S603
        [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")],
        stderr=subprocess.DEVNULL,
    )
    try:

        def listens() -> bool:
            assert process.poll() is None, (folder / "error").read_text("utf-8")
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return True
            return False

        wait_until(listens)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def test_slow_clients_end_at_the_proxy(root: Path, tmp_path: Path) -> None:
    with (
        running(root, VARIABLES) as service,
        nginx(tmp_path / "nginx", service.port) as port,
        ExitStack() as stack,
    ):
        here = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE)
        there = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            timeout=PATIENCE,
            transport=httpx.HTTPTransport(local_address="127.0.0.2"),
        )
        stack.callback(here.close)
        stack.callback(there.close)
        form = {"username": USER, "password": PASSWORD}
        token = there.post("/token", data=form).json()["access_token"]
        for number in range(200):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            if number % 2:
                head = b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nusername"
                slow.sendall(head)
        headers = {"Authorization": f"Bearer {token}"}
        answer = there.post("/predict", headers=headers, files={"image": tiny.picture()})
        assert answer.json()["predicted"] == 2583
        assert there.get("/health/live").status_code == 200
        for path in ("/metrics", "/metrics/", "//metrics", "/%6detrics/", "/x/../metrics"):
            with socket.create_connection(
                ("127.0.0.1", port), source_address=("127.0.0.2", 0)
            ) as c:
                c.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
                assert c.recv(12) == b"HTTP/1.1 404", "for those inside"
        metrics = service.client.get("/metrics").text
        assert "\nhttp_requests_in_flight 1.0" in metrics, "the slow ones are not the service's"


def test_limits_are_of_the_clients_behind_the_proxy(root: Path, tmp_path: Path) -> None:
    with running(root, VARIABLES) as service, nginx(tmp_path / "nginx", service.port) as port:

        def login(address: str, made_up: str) -> int:
            transport = httpx.HTTPTransport(local_address=address)
            with httpx.Client(transport=transport, timeout=PATIENCE) as client:
                return client.post(
                    f"http://127.0.0.1:{port}/token",
                    headers={"X-Forwarded-For": made_up},
                    data={"username": USER, "password": "wrong-guess"},
                ).status_code

        statuses = [login("127.0.0.3", f"192.0.2.{n}") for n in range(5)]
        assert statuses[:2] == [400, 400]
        assert 429 in statuses[2:], "some more are let in where a minute ends meanwhile"
        assert login("127.0.0.4", "192.0.2.0") == 400


def test_replicas_change_the_model_one_after_the_other_and_no_request_fails(
    root: Path, tmp_path: Path
) -> None:
    variables = {**VARIABLES, "SERVING_PREDICT_LIMIT": "0"}
    statuses: list[int] = []
    models: list[str] = []
    done = threading.Event()

    def ask(port: int) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            form = {"username": USER, "password": PASSWORD}
            token = client.post("/token", data=form).json()["access_token"]
            while not done.wait(0.03):  # nginx takes 100 a second of an address
                answer = client.post(
                    "/predict",
                    headers={"Authorization": f"Bearer {token}"},
                    files={"image": tiny.picture()},
                )
                statuses.append(answer.status_code)
                if answer.status_code == 200:
                    models.append(answer.json()["model"])

    def asked(count: int) -> None:
        wanted = len(statuses) + count
        wait_until(lambda: len(statuses) >= wanted)

    with ExitStack() as stack:
        replicas = [Process(root, variables, quiet=True) for _ in range(2)]
        for replica in replicas:
            stack.callback(replica.close)
            replica.wait_ready()
        port = stack.enter_context(nginx(tmp_path / "nginx", *(each.port for each in replicas)))
        pool = stack.enter_context(ThreadPoolExecutor(3))
        asking = [pool.submit(ask, port) for _ in range(3)]
        stack.callback(done.set)
        asked(20)
        [before] = set(models)
        labels = root / "models" / "classifier" / LABELS_FILE
        labels.write_text(labels.read_text("utf-8") + "\n", "utf-8")
        tiny.relock(root)
        for replica in replicas:
            assert replica.stop() == 0
            asked(20)
            again = Process(root, variables, quiet=True, port=replica.port)
            stack.callback(again.close)
            again.wait_ready()
            asked(20)
        done.set()
        for one in asking:
            one.result(PATIENCE)
    assert set(statuses) == {200}
    assert models[0] == before
    assert models[-1] != before
    assert len(set(models)) == 2
