"""The service as a process of its own on a free loopback port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx

from tests.support.repository import ROOT
from tests.support.service import ACCOUNT, PASSWORD, USER
from tests.support.waiting import HELD_BACK, PATIENCE, WITHOUT_TLS, wait_answered, wait_until


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


VARIABLES = {
    **ACCOUNT,
    "SERVING_PREDICT_LIMIT": "0",
    "SERVING_TOKEN_ACCOUNT_LIMIT": "0",
    "SERVING_TOKEN_ADDRESS_LIMIT": "0",
    "SERVING_MAX_BODY_BYTES": "200000",
    "SERVING_METRICS": "open",
    "SERVING_CLIENT_SECONDS": HELD_BACK,
    "SERVING_GRACE_SECONDS": HELD_BACK,
}
"""A patient service with one user and without limits."""


class Process:
    """`python -m module [part]` in `folder` with nothing but `variables` set.

    A pipe that nobody reads fills up: a process that logs much is started `quiet`.
    """

    def __init__(
        self,
        folder: Path,
        variables: dict[str, str],
        *part: str,
        module: str = "serving",
        quiet: bool = False,
        port: int | None = None,
    ) -> None:
        self.port = port or free_port()
        ports = {"SERVING_PORT": str(self.port), "SERVING_AUTH_PORT": str(self.port)}
        path = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
        self.started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", module, *part],
            cwd=folder,
            env=path | ports | variables,
            stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        address = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=address, timeout=PATIENCE, verify=WITHOUT_TLS)

    def wait_ready(self) -> float:
        """Seconds from the start until ready."""
        wait_answered(self.process, f"http://127.0.0.1:{self.port}/health/ready")
        return time.monotonic() - self.started

    def log_in(self, username: str = USER) -> dict[str, str]:
        """The Authorization field of a user whose password is PASSWORD."""
        form = {"username": username, "password": PASSWORD}
        token = self.client.post("/token", data=form).json()["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def resident_megabytes(self) -> float:
        """Resident memory now."""
        return self._status("VmRSS") / 1024

    def peak_megabytes(self) -> float:
        """The most that was ever resident."""
        return self._status("VmHWM") / 1024

    def threads(self) -> int:
        """Threads now."""
        return self._status("Threads")

    def _status(self, name: str) -> int:
        """A line of proc(5)'s status."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        [line] = [line for line in status.splitlines() if line.startswith(f"{name}:")]
        return int(line.split()[1])

    def processor_seconds(self) -> float:
        """Processor time of all its threads so far (proc(5): fields 14 and 15 of stat)."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        times = stat.rpartition(")")[2].split()[11:13]
        return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> int:
        """SIGTERM and wait; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def output(self) -> str:
        """All it wrote, once it has ended."""
        return self.process.communicate(timeout=PATIENCE)[0]

    def close(self) -> None:
        """End it, whatever state it is in."""
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        if self.process.stdout:
            self.process.stdout.close()


def gauge(process: Process, name: str) -> float:
    """The value of a metric, named with its labels."""
    text = process.client.get("/metrics").text
    [line] = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


def wait_in_flight(process: Process, count: int) -> None:
    """Until that many requests are answered besides the one that asks.

    One that was answered a moment ago may be counted once, but not a few times in a row.
    """
    gauged = "http_requests_in_flight"
    wait_until(lambda: all(gauge(process, gauged) == count + 1 for _ in range(5)))


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server on the loopback, in threads of this process."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def running(
    folder: Path, variables: dict[str, str], *part: str, module: str = "serving"
) -> Iterator[Process]:
    """A process that is ready."""
    process = Process(folder, variables, *part, module=module, quiet=True)
    try:
        process.wait_ready()
        yield process
    finally:
        process.close()
