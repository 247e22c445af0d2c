"""The service behind nginx, as docs/operations.md sets it up."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.support import tiny
from tests.support.process import free_port, running
from tests.support.repository import ROOT
from tests.support.service import PASSWORD, SECRET, USER

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
]

VARIABLES = {
    "SECRET_KEY": SECRET,
    "TEST_USER": USER,
    "TEST_USER_PASSWORD": PASSWORD,
    "SERVING_METRICS": "open",
    "SERVING_TRUSTED_PROXIES": "127.0.0.1",
    "SERVING_TOKEN_ADDRESS_LIMIT": "2",
}


def configuration(folder: Path, port: int, service: int) -> str:
    """That of the page, without TLS, between these ports."""
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    [block] = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    block = re.sub(r" *ssl_certificate.*\n", "", block)
    block = block.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    block = block.replace("127.0.0.1:8000", f"127.0.0.1:{service}")
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;\n"
        f"events {{ worker_connections 2048; }}\nhttp {{ access_log off;\n{paths}{block}}}\n"
    )


@contextmanager
def nginx(folder: Path, service: int) -> Iterator[int]:
    """nginx before the service on that port; its own port."""
    port = free_port()
    (folder / "nginx.conf").write_text(configuration(folder, port, service), "utf-8")
    process = subprocess.Popen(  # noqa: S603
        [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")],
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 10
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert time.monotonic() < deadline, (folder / "error").read_text("utf-8")
            time.sleep(0.02)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def test_slow_clients_end_at_the_proxy(classifier_root: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(classifier_root, tmp_path / "root"))
    (tmp_path / "nginx").mkdir()
    with (
        running(root, VARIABLES) as service,
        nginx(tmp_path / "nginx", service.port) as port,
        ExitStack() as stack,
    ):
        here = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5)
        there = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            timeout=5,
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
        started = time.monotonic()
        headers = {"Authorization": f"Bearer {token}"}
        answer = there.post("/predict", headers=headers, files={"image": tiny.picture()})
        assert answer.json()["predicted"] == 2583
        assert time.monotonic() - started < 1
        assert there.get("/health/live").status_code == 200
        metrics = service.client.get("/metrics").text
        assert "\nhttp_requests_in_flight 1.0" in metrics, "the slow ones are not the service's"


def test_limits_are_of_the_clients_behind_the_proxy(classifier_root: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(classifier_root, tmp_path / "root"))
    (tmp_path / "nginx").mkdir()
    with running(root, VARIABLES) as service, nginx(tmp_path / "nginx", service.port) as port:

        def login(address: str, made_up: str) -> int:
            transport = httpx.HTTPTransport(local_address=address)
            with httpx.Client(transport=transport) as client:
                return client.post(
                    f"http://127.0.0.1:{port}/token",
                    headers={"X-Forwarded-For": made_up},
                    data={"username": USER, "password": "wrong-guess"},
                ).status_code

        assert [login("127.0.0.3", f"192.0.2.{n}") for n in range(3)] == [400, 400, 429]
        assert login("127.0.0.4", "192.0.2.0") == 400
