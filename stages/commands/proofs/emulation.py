"""Python on an emulated processor: qemu's user mode, which runs a Linux program in software.

A stage starts itself again and starts worker processes, always by `sys.executable`. So the emulated
interpreter is told that it is the script which emulates it; that script, named python and python3,
comes first in PATH. Emulated processes know each other by the release of the system they are shown.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from stages.commands.repository import ResultError

QEMU = "qemu-x86_64"

PROCESSORS = ("Haswell", "EPYC")
"""One of each maker, with AVX2 and FMA and nothing wider (qemu-x86_64 -cpu help)."""

_SCRIPT = """#!/bin/sh
exec {qemu} -cpu {processor} -r {release} {python} "$@"
"""

_AT_START = """import atexit, os, sys
if os.uname().release == {release!r}:
    sys.executable = sys._base_executable = {script!r}

    @atexit.register
    def _finished():
        with open({finished!r}, "a") as file:
            print(*sys.argv[1:], file=file)
"""


@dataclass(frozen=True)
class Emulator:
    """`processor`, on which `folder`/python runs."""

    processor: str
    folder: Path

    @classmethod
    def make(cls, processor: str, folder: Path) -> Emulator:
        """Write what it takes into `folder`. Raises ResultError when qemu is not installed."""
        qemu = shutil.which(QEMU)
        if qemu is None:
            raise ResultError(f"there is no {QEMU}: install qemu-user (apt-get install qemu-user)")
        made = cls(processor, folder)
        folder.mkdir(parents=True)
        words = {
            "qemu": qemu,
            "processor": processor,
            "release": made.release,
            "python": sys.executable,
        }
        quoted = {name: shlex.quote(word) for name, word in words.items()}
        made.python.write_text(_SCRIPT.format(**quoted), encoding="utf-8")
        made.python.chmod(0o755)
        (folder / "python3").symlink_to(made.python)
        (folder / "sitecustomize.py").write_text(
            _AT_START.format(
                release=made.release, script=str(made.python), finished=str(made._finished)
            ),
            encoding="utf-8",
        )
        return made

    @property
    def release(self) -> str:
        """What platform.release() is in an emulated process; the C library wants a recent one."""
        return f"6.1-emulated-{self.processor}"

    @property
    def python(self) -> Path:
        """The emulated interpreter."""
        return self.folder / "python"

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which `python` means the emulated one."""
        path = f"{self.folder}{os.pathsep}{os.environ.get('PATH', '')}"
        return {"PATH": path, "PYTHONPATH": str(self.folder)}

    def finished(self) -> list[str]:
        """Arguments of the processes that ended emulated; one that started itself again counts as
        what it became."""
        if not self._finished.is_file():
            return []
        return self._finished.read_text(encoding="utf-8").splitlines()

    @property
    def _finished(self) -> Path:
        return self.folder / "finished"
