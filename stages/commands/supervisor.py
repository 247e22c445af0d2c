"""Servers that run side by side until they are stopped, each with a log; none outlives this."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stages.commands.exit_codes import CommandError

END_SECONDS = 30
"""How long a server may take to end before it is killed."""

_PAUSE = 0.2
"""Seconds until it is asked again whether a server listens."""


@dataclass(frozen=True)
class Program:
    """A server: its command, its log, and the folder and environment that it is started in.

    With `listens` (host:port) nothing is started after it before it listens there.
    """

    command: Sequence[str]
    log: Path
    folder: Path | None = None
    environment: Mapping[str, str] | None = None
    listens: str | None = None


class ProgramError(CommandError):
    """A program is not there, or does not run."""


@contextmanager
def running(programs: Mapping[str, Program]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """The programs, started in their order and ended in the opposite one, with what they started.

    Raises ProgramError when one ends that should come to listen.
    """
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, program in programs.items():
            with program.log.open("wb") as log:
                processes[name] = subprocess.Popen(  # noqa: S603
                    program.command,
                    cwd=program.folder,
                    env=program.environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            while program.listens and not is_listening(program.listens):
                if processes[name].poll() is not None:
                    raise _ended(name, program)
                time.sleep(_PAUSE)
        yield processes
    finally:
        for process in reversed(processes.values()):
            _end(process)


def supervise(programs: Mapping[str, Program], greeting: str) -> None:
    """Run the programs until Ctrl-C or SIGTERM. Raises ProgramError when one ends before."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), running(programs) as processes:
        print(f"{greeting}; until Ctrl-C", flush=True)
        pid, _ = os.waitpid(-1, 0)
        [name] = [name for name, process in processes.items() if process.pid == pid]
        processes[name].returncode = 1  # it has been waited for
        raise _ended(name, programs[name])


def is_listening(address: str) -> bool:
    """Whether somebody listens on host:port."""
    host, _, port = address.rpartition(":")
    with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), timeout=1):
        return True
    return False


def _ended(name: str, program: Program) -> ProgramError:
    return ProgramError(f"{name} has ended; {program.log} says why")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End its whole session: of what it started it might wait for the end."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
