"""Airflow's servers on the loopback, until they are stopped: `make schedule`.

Exit code: 0 stopped, 1 a server ended before.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from stages.commands.schedule import airflow_servers
from stages.commands.schedule.airflow_servers import HOST, PORT, USER
from stages.commands.supervisor import ProgramError, supervise


def servers(
    airflow: Annotated[str, typer.Argument(help="The program.")],
    port: Annotated[int, typer.Argument(help="Of the page.")] = PORT,
    home: Annotated[Path, typer.Option(envvar="AIRFLOW_HOME")] = Path(".airflow"),
) -> None:
    """Airflow's scheduler and its page on the loopback, until Ctrl-C."""
    os.umask(0o077)
    environment = airflow_servers.surroundings(port)
    done = subprocess.run(  # noqa: S603
        [airflow, "db", "migrate"], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ProgramError(f"airflow db migrate: {done.stderr.strip()[-1000:]}")
    passwords = airflow_servers.password_file(home)
    supervise(
        airflow_servers.programs(airflow, home, port, environment),
        f"http://{HOST}:{port}, user {USER}, password in {passwords}",
    )
