"""Airflow's servers on the loopback, until they are stopped: `make schedule`.

    python -m stages.commands.schedule.servers <airflow> [<port>]

`airflow standalone` starts the same, but its servers of logs listen on every interface, and it
writes the password to its log.

Exit status: 0 stopped, 1 a server ended before.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stages.commands.repository import ResultError

HOST, PORT = "127.0.0.1", 8080
USER = "admin"

API = "api-server"
SERVERS = {
    API: ("--host", HOST, "--workers", "1"),
    "scheduler": ("--skip-serve-logs",),
    "dag-processor": (),
}
"""What is started, in this order: a task that finds no API fails."""

END_SECONDS = 30
"""How long a server may take to end before it is killed."""

_PAUSE = 0.2
"""Seconds until it is asked again whether the API listens."""


def password_file(home: Path) -> Path:
    """Where Airflow's own management of users keeps passwords; made, with one, unless it is there.

    Without it Airflow would make one, and write the password to its log.
    """
    path = home / "simple_auth_manager_passwords.json.generated"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(json.dumps({USER: secrets.token_urlsafe(16)}), encoding="utf-8")
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


def _ended(part: str, home: Path) -> ResultError:
    return ResultError(f"{part} has ended; {home / f'{part}.log'} says why")


def _end(server: subprocess.Popen[bytes]) -> None:
    """End it with what it started, tasks among them, of which it would wait for the end."""
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        server.wait(END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


@contextmanager
def running(
    airflow: str, home: Path, port: int, environment: dict[str, str]
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """The servers, each with a log in `home`; they are ended in the end, with what they started.

    Raises ResultError when the API does not come to listen.
    """
    servers: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for part, options in SERVERS.items():
            with (home / f"{part}.log").open("wb") as log:
                servers[part] = subprocess.Popen(  # noqa: S603
                    [airflow, part, *options],
                    env=environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            while part == API and not _listens(port):
                if servers[part].poll() is not None:
                    raise _ended(part, home)
                time.sleep(_PAUSE)
        yield servers
    finally:
        for server in reversed(servers.values()):  # a task that is cut off tells the API
            _end(server)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def main(airflow: str, port: int = PORT) -> None:
    """Run until stopped. Raises ResultError when a server ends before, or there is no database."""
    home = Path(os.environ["AIRFLOW_HOME"])
    os.umask(0o077)
    environment = surroundings(port)
    done = subprocess.run(  # noqa: S603
        [airflow, "db", "migrate"], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ResultError(f"airflow db migrate: {done.stderr.strip()[-1000:]}")
    passwords = password_file(home)
    with running(airflow, home, port, environment) as servers:
        page = f"http://{HOST}:{port}"
        print(f"{page}, user {USER}, password in {passwords}; until Ctrl-C", flush=True)
        ended, _ = os.waitpid(-1, 0)
        [part] = [part for part, server in servers.items() if server.pid == ended]
        servers[part].returncode = 1  # it has been waited for
        raise _ended(part, home)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main(sys.argv[1], *map(int, sys.argv[2:3]))
    except KeyboardInterrupt:
        sys.exit(0)
    except ResultError as error:
        sys.exit(f"schedule: {error}")
