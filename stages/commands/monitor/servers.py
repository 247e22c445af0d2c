"""Prometheus, Alertmanager and node exporter on the loopback, with the files that containers read.

    python -m stages.commands.monitor.servers

What differs from containers, addresses and secrets, is laid out beside links to those files.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import yaml

from serving.settings import Settings, SettingsError, read_env_file
from stages.commands.monitor import service_address

CONF = Path("conf")
FOLDER = Path("monitoring")

PORTS = {"prometheus": 9090, "alertmanager": 9093, "node": 9100}

PROGRAMS = {
    "prometheus": ("prometheus",),
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),
    "node": ("prometheus-node-exporter", "node_exporter"),
}
"""What the programs are called by Debian, and by their own releases."""

PACKAGES = "prometheus prometheus-alertmanager prometheus-node-exporter"

LINKED = (
    Path("prometheus/prometheus.yml"),
    Path("prometheus/rules"),
    Path("alertmanager/alertmanager.yml"),
)
TOKEN = Path("prometheus/secrets/metrics_token")
RECEIVER = Path("alertmanager/secrets/alerts_url")

END_SECONDS = 10
"""How long a program may take to end before it is killed."""


class ProgramError(RuntimeError):
    """A program is not there, or does not run."""


def programs() -> dict[str, str]:
    """Path of each program. Raises ProgramError naming the packages that bring what is missing."""
    found = {part: next(filter(None, map(shutil.which, PROGRAMS[part])), "") for part in PROGRAMS}
    if missing := [PROGRAMS[part][0] for part, path in found.items() if not path]:
        raise ProgramError(
            f"not installed: {', '.join(missing)}; on Debian: apt-get install {PACKAGES}"
        )
    return found


def lay_out(
    folder: Path, conf: Path, targets: Mapping[str, str], secrets: Mapping[Path, str]
) -> None:
    """Fill `folder`: links to the files of `conf`, the address of each job, and the secrets."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for path in LINKED:
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).unlink(missing_ok=True)
        (folder / path).symlink_to((conf / path).resolve())
    shutil.rmtree(folder / "prometheus/targets", ignore_errors=True)
    (folder / "prometheus/targets").mkdir()
    for job, address in targets.items():
        groups: list[dict[str, Any]] = [{"targets": [address]}]
        (folder / f"prometheus/targets/{job}.yml").write_text(yaml.safe_dump(groups), "utf-8")
    for path in (TOKEN, RECEIVER):
        (folder / path).parent.mkdir(mode=0o700, exist_ok=True)
        (folder / path).unlink(missing_ok=True)
    for path, secret in secrets.items():
        (folder / path).touch(mode=0o600)
        (folder / path).write_text(secret, "utf-8")


def commands(folder: Path, targets: Mapping[str, str]) -> dict[str, list[str]]:
    """How each program is started on its address of `targets`. Raises ProgramError."""
    found, folder = programs(), folder.resolve()
    listen = {part: f"--web.listen-address={targets[part]}" for part in PROGRAMS}
    links = {part: f"--web.external-url=http://{targets[part]}" for part in PROGRAMS}
    return {
        "alertmanager": [
            *(found["alertmanager"], listen["alertmanager"], links["alertmanager"]),
            f"--config.file={folder / 'alertmanager/alertmanager.yml'}",
            f"--storage.path={folder / 'alertmanager/data'}",
            "--cluster.listen-address=",
        ],
        "node": [found["node"], listen["node"]],
        "prometheus": [
            *(found["prometheus"], listen["prometheus"], links["prometheus"]),
            f"--config.file={folder / 'prometheus/prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'prometheus/data'}",
        ],
    }


@contextmanager
def running(
    commands: Mapping[str, list[str]], folder: Path
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """The programs, each with a log in `folder`; they are ended in the end.

    Each is started in its own folder, from where Alertmanager looks for its secrets.
    """
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for part, command in commands.items():
            (folder / part).mkdir(exist_ok=True)
            with (folder / f"{part}.log").open("wb") as log:
                processes[part] = subprocess.Popen(  # noqa: S603
                    command,
                    cwd=folder / part,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        yield processes
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), timeout=1):
        return True
    return False


def _run(folder: Path) -> NoReturn:
    """Run the programs until asked to stop. Raises SettingsError, ProgramError."""
    settings = Settings.load()
    targets = {part: f"{service_address.LOOPBACK}:{port}" for part, port in PORTS.items()}
    targets["serving"] = service_address.address(settings, settings.port)
    auth = service_address.address(settings, settings.auth_port)
    if _listens(auth):  # most people run it within the service
        targets["auth"] = auth
    secrets = {TOKEN: service_address.token(settings)}
    if receiver := os.environ.get("ALERTS_URL") or dict(read_env_file()).get("ALERTS_URL"):
        secrets[RECEIVER] = receiver
    else:
        print("ALERTS_URL is not set: alerts are shown and not sent")
    started = commands(folder, targets)
    lay_out(folder, CONF, targets, secrets)
    with running(started, folder) as processes:
        print(f"http://{targets['prometheus']}, until Ctrl-C", flush=True)
        ended, _ = os.waitpid(-1, 0)
        [part] = [part for part, process in processes.items() if process.pid == ended]
        processes[part].returncode = 1  # it has been waited for
        raise ProgramError(f"{part} has ended; {folder / f'{part}.log'} says why")


def main() -> int:
    """Run until stopped; returns the exit code: 0 stopped, 1 a program failed, 2 settings wrong."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _run(FOLDER)
    except KeyboardInterrupt:
        return 0
    except ProgramError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
