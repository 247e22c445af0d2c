"""MLflow's own page of the local record, on the loopback: `make mlflow`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from stages.commands.registry import server

HOST = "127.0.0.1"


def page(port: Annotated[int, typer.Argument()] = 5000) -> None:
    """Become MLflow's server: one worker, without the jobs that nothing here asks for."""
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    print(f"http://{HOST}:{port}", flush=True)
    command = (sys.executable, "-m", "mlflow", "server", "--workers", "1")
    place = ("--backend-store-uri", server.local(), "--host", HOST, "--port", str(port))
    os.execv(sys.executable, [*command, *place])  # noqa: S606  # no shell is what is wanted
