"""Airflow's servers on the loopback, until they are stopped: `make schedule`.

`airflow standalone` starts the same, but its servers of logs listen on every interface, and it
writes the password to its log. Exit code: 0 stopped, 1 a server ended before.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from secrets import token_urlsafe
from typing import Annotated

import typer

from stages.commands.supervisor import Program, ProgramError, supervise

HOST, PORT = "127.0.0.1", 8080
USER = "admin"

API = "api-server"
SERVERS = {
    API: ("--host", HOST, "--workers", "1"),
    "scheduler": ("--skip-serve-logs",),
    "dag-processor": (),
}
"""What is started, in this order: a task that finds no API fails."""


def password_file(home: Path) -> Path:
    """Where Airflow's own management of users keeps passwords; made, with one, unless it is there.

    Without it Airflow would make one, and write the password to its log.
    """
    path = home / "simple_auth_manager_passwords.json.generated"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(json.dumps({USER: token_urlsafe(16)}), encoding="utf-8")
    return path


def surroundings(port: int) -> dict[str, str]:
    """The environment of the servers: where they find each other, and one task at a time."""
    address = f"http://{HOST}:{port}"
    return {
        **os.environ,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__CORE__PARALLELISM": "1",
    }


def programs(
    airflow: str, home: Path, port: int, environment: dict[str, str]
) -> dict[str, Program]:
    """The servers, each with a log in `home`."""
    return {
        name: Program(
            (airflow, name, *options),
            home / f"{name}.log",
            environment=environment,
            listens=f"{HOST}:{port}" if name == API else None,
        )
        for name, options in SERVERS.items()
    }


def servers(
    airflow: Annotated[str, typer.Argument(help="The program.")],
    port: Annotated[int, typer.Argument(help="Of the page.")] = PORT,
    home: Annotated[Path, typer.Option(envvar="AIRFLOW_HOME")] = Path(".airflow"),
) -> None:
    """Airflow's scheduler and its page on the loopback, until Ctrl-C."""
    os.umask(0o077)
    environment = surroundings(port)
    done = subprocess.run(  # noqa: S603
        [airflow, "db", "migrate"], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ProgramError(f"airflow db migrate: {done.stderr.strip()[-1000:]}")
    passwords = password_file(home)
    supervise(
        programs(airflow, home, port, environment),
        f"http://{HOST}:{port}, user {USER}, password in {passwords}",
    )
