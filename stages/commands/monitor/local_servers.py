"""Prometheus, Alertmanager and node exporter on the loopback, with the files that containers read.

What differs from containers, addresses and secrets, is laid out beside links to those files.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from stages.commands.supervisor import Program, ProgramError

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


def installed() -> dict[str, str]:
    """Path of each program. Raises ProgramError naming the packages that bring what is missing."""
    paths = {part: next(filter(None, map(shutil.which, PROGRAMS[part])), "") for part in PROGRAMS}
    if missing := [PROGRAMS[part][0] for part, path in paths.items() if not path]:
        raise ProgramError(
            f"not installed: {', '.join(missing)}; on Debian: apt-get install {PACKAGES}"
        )
    return paths


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


def programs(folder: Path, targets: Mapping[str, str]) -> dict[str, Program]:
    """How each program is started on its address of `targets`, with a log in `folder`.

    Each is started in its own folder, from where Alertmanager looks for its secrets. Raises
    ProgramError.
    """
    paths, folder = installed(), folder.resolve()
    options = {
        "alertmanager": [
            f"--web.external-url=http://{targets['alertmanager']}",
            f"--config.file={folder / 'alertmanager/alertmanager.yml'}",
            f"--storage.path={folder / 'alertmanager/data'}",
            "--cluster.listen-address=",
        ],
        "node": [],
        "prometheus": [
            f"--web.external-url=http://{targets['prometheus']}",
            f"--config.file={folder / 'prometheus/prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'prometheus/data'}",
        ],
    }
    for part in options:
        (folder / part).mkdir(parents=True, exist_ok=True)
    return {
        part: Program(
            (paths[part], f"--web.listen-address={targets[part]}", *further),
            folder / f"{part}.log",
            folder / part,
        )
        for part, further in options.items()
    }
