"""MLflow's own page of the local record, on the loopback: `make mlflow`."""

from __future__ import annotations

import os
import sys

from stages.commands.registry import server

HOST, PORT = "127.0.0.1", 5000


def main(port: int = PORT) -> None:
    """Become MLflow's server: one worker, without the jobs that nothing here asks for."""
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    print(f"http://{HOST}:{port}", flush=True)
    command = (sys.executable, "-m", "mlflow", "server", "--workers", "1")
    place = ("--backend-store-uri", server.local(), "--host", HOST, "--port", str(port))
    os.execv(sys.executable, [*command, *place])  # noqa: S606  # no shell is what is wanted


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
