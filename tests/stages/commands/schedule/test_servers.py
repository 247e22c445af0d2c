"""What starts Airflow's servers and ends them, with a program in Airflow's place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from stages.commands.schedule import servers
from tests.support.process import free_port
from tests.support.repository import ROOT
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.slow

AIRFLOW = f"""#!{sys.executable}
import os, pathlib, socket, subprocess, sys

part = sys.argv[1]
if part == os.environ["ENDS"]:
    sys.exit("it is why")
if part == "db":
    sys.exit()
if part == "api-server":
    address = ("127.0.0.1", int(os.environ["AIRFLOW__API__PORT"]))
    listening = socket.create_server(address)
child = subprocess.Popen(["sleep", "3600"])
pathlib.Path(os.environ["AIRFLOW_HOME"], f"{{part}}.child").write_text(str(child.pid))
child.wait()
"""


@contextmanager
def started(folder: Path, ends: str = "") -> Iterator[subprocess.Popen[str]]:
    """The command, with a server that `ends` at once; stopped in the end."""
    airflow = folder / "airflow"
    airflow.write_text(AIRFLOW, encoding="utf-8")
    airflow.chmod(0o700)
    (folder / "home").mkdir()
    process = subprocess.Popen(  # noqa: S603
        [
            *(sys.executable, "-m", "stages.commands", "schedule", "servers"),
            *(str(airflow), str(free_port())),
        ],
        cwd=ROOT,
        env={**os.environ, "AIRFLOW_HOME": str(folder / "home"), "ENDS": ends},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.terminate()


def children(home: Path) -> list[int]:
    """What the servers started, once each has."""
    paths = [home / f"{part}.child" for part in servers.SERVERS]
    wait_until(lambda: all(path.exists() and path.read_text("utf-8") for path in paths))
    return [int(path.read_text("utf-8")) for path in paths]


def alive(process: int) -> bool:
    """Whether it runs; one that nobody has waited for does not."""
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_servers_run_until_they_are_stopped_and_leave_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with started(tmp_path) as process:
        assert process.stdout
        told = process.stdout.readline()
        begun = children(home)
        process.terminate()
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    wait_until(lambda: not any(map(alive, begun)))
    path = servers.password_file(home)
    assert str(path) in told
    assert path.stat().st_mode & 0o777 == 0o600
    [password] = json.loads(path.read_text("utf-8")).values()
    assert password not in told


@pytest.mark.parametrize("part", servers.SERVERS)
def test_a_server_that_ends_is_named_and_the_others_are_ended(tmp_path: Path, part: str) -> None:
    with started(tmp_path, ends=part) as process:
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    log = tmp_path / "home" / f"{part}.log"
    assert f"schedule servers: {part} has ended; {log} says why" in said
    assert "it is why" in log.read_text("utf-8")
    others = [int(path.read_text("utf-8") or 0) for path in (tmp_path / "home").glob("*.child")]
    wait_until(lambda: not any(map(alive, filter(None, others))))


def test_a_database_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with started(tmp_path, ends="db") as process:
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert said == "schedule servers: airflow db migrate: it is why\n"
