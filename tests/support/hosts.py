"""Two hosts with a cable between them: network namespaces of this machine, and Ray on both.

Nothing in them reaches, or is reached from, any other network: Ray listens on all interfaces.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.repository import ROOT, called
from tests.support.waiting import PATIENCE, wait_until

RAY = ROOT / ".venv-ray" / "bin"
PORT = 6379

QUICK = {
    # A host that is gone is missed after two seconds, not fifteen.
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_health_check_initial_delay_ms": "1000",
}
STORE = "100000000"
"""Bytes of Ray's object store; it holds the classifier and lists of shards."""


def refusal() -> str:
    """Why namespaces cannot be made here; "" where they can."""
    try:
        done = _ip("netns", "add", f"try-{os.getpid()}")
    except OSError as error:
        return f"not installed: iproute2 ({error})"
    if done.returncode:
        return f"network namespaces may not be made here: {done.stderr.strip()}"
    _ip("netns", "delete", f"try-{os.getpid()}")
    return ""


def _ip(*words: str) -> subprocess.CompletedProcess[str]:
    return called(ROOT, "ip", *words)


def _must(*words: str) -> str:
    done = _ip(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Host:
    """A namespace; `core` is the only processor its processes may use, if one is named."""

    name: str
    address: str
    core: int | None = None
    environment: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def command(self, words: Sequence[str]) -> list[str]:
        """`words`, as a command that runs on this host."""
        pinned = [] if self.core is None else ["taskset", "--cpu-list", str(self.core)]
        return ["ip", "netns", "exec", self.name, *pinned, *words]

    def start(self, *words: str, **how: Any) -> subprocess.Popen[str]:
        """Start a command; how is that of Popen."""
        given = {**os.environ, **self.environment, **how.pop("env", {})}
        process = subprocess.Popen(self.command(words), env=given, text=True, **how)  # noqa: S603
        self.started.append(process)
        return process

    def run(self, *words: str, **how: Any) -> subprocess.CompletedProcess[str]:
        """What a command did."""
        process = self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)
        out, err = process.communicate(timeout=5 * PATIENCE)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def processes(self, title: str = "") -> list[int]:
        """Ids of the processes on this host, of those alone whose command line has `title`."""
        found = []
        for pid in map(int, _must("netns", "pids", self.name).split()):
            with suppress(OSError):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                if title in line:
                    found.append(pid)
        return found

    def die(self) -> None:
        """End all that runs here, at once, as a power cut does."""
        while pids := self.processes():
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, 9)
            for process in self.started:
                process.wait(PATIENCE)

    def serve_ray(self, head: Host, processors: int, temporary: Path) -> None:
        """Start Ray; return once it is part of the cluster of `head`."""
        where = (
            ["--head", f"--port={PORT}", "--include-dashboard=false", f"--temp-dir={temporary}"]
            if head is self
            else [f"--address={head.address}:{PORT}"]
        )
        done = self.run(
            *(str(RAY / "ray"), "start", "--disable-usage-stats", *where),
            *(f"--node-ip-address={self.address}", f"--num-cpus={processors}"),
            f"--object-store-memory={STORE}",
            env=QUICK,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def two_hosts(
    environment: Mapping[str, str], cores: tuple[int | None, int | None] = (None, None)
) -> Iterator[tuple[Host, Host]]:
    """Both, with a cable; with them goes whatever runs on them."""
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    names = [f"host-{os.getpid()}-{end}" for end in "ab"]
    pair = [
        Host(name, f"10.77.0.{number}", core, {**environment, **token})
        for name, number, core in zip(names, (1, 2), cores, strict=True)
    ]
    try:
        for host in pair:
            _must("netns", "add", host.name)
        first, second = names
        _must(
            *("link", "add", "cable", "netns", first, "type", "veth"),
            *("peer", "name", "cable", "netns", second),
        )
        for host in pair:
            _must("-n", host.name, "address", "add", f"{host.address}/24", "dev", "cable")
            for interface in ("lo", "cable"):
                _must("-n", host.name, "link", "set", interface, "up")
        yield pair[0], pair[1]
    finally:
        for host in pair:
            if host.name in _ip("netns", "list").stdout:
                host.die()
                _ip("netns", "delete", host.name)


def wait_for_processors(head: Host, count: int) -> None:
    """Until the cluster has so many."""
    wait_until(lambda: _processors(head) == count, f"the cluster never had {count} processors")


def _processors(head: Host) -> int:
    done = head.run(str(RAY / "ray"), "status", f"--address={head.address}:{PORT}")
    used = [line for line in done.stdout.splitlines() if line.strip().endswith("CPU")]
    return round(float(used[0].split("/")[1].split()[0])) if used else 0
