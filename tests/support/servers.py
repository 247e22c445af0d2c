"""Real servers on the loopback: MLflow with basic authentication, and S3 (moto)."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.process import free_port

PATIENCE = 90
"""Seconds a server may take to answer first."""

USER, PASSWORD = "admin", "correct-horse-battery"

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


@dataclass
class Server:
    """A process that answers at `address`; it can be stopped, and started again on its port."""

    command: list[str]
    address: str
    environment: dict[str, str]
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self, ready: str) -> None:
        """Start it and wait until `ready`, a path, is answered."""
        self.process = subprocess.Popen(  # noqa: S603
            self.command,
            cwd=self.folder,
            env={**os.environ, **QUIET, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + PATIENCE
        while True:
            assert self.process.poll() is None, self.command
            assert time.monotonic() < deadline, self.command
            try:
                if httpx.get(f"{self.address}{ready}").status_code < 500:
                    return
            except httpx.TransportError:
                time.sleep(0.1)

    def stop(self) -> None:
        """End it with its workers: they are a group of processes of their own."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, 15)
            self.process.wait(PATIENCE)


@contextmanager
def mlflow_server(folder: Path) -> Iterator[Server]:
    """MLflow on sqlite with the user USER; artifacts go through it."""
    port = free_port()
    auth = configparser.ConfigParser()
    auth["mlflow"] = {
        "default_permission": "READ",
        "database_uri": f"sqlite:///{folder / 'auth.db'}",
        "admin_username": USER,
        "admin_password": PASSWORD,
    }
    with (folder / "auth.ini").open("w", encoding="utf-8") as file:
        auth.write(file)
    server = Server(
        [
            *(sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth"),
            *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
            *("--artifacts-destination", str(folder / "artifacts")),
        ],
        f"http://127.0.0.1:{port}",
        {
            "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "of the tests",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        },
        folder,
    )
    try:
        server.start("/health")
        yield server
    finally:
        server.stop()
