"""The processors that results are promised on."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from stages.common.output import StageError

CPUINFO = Path("/proc/cpuinfo")

_X86_64 = ("x86_64", "AMD64")
_NEEDED = ("avx2", "fma")


class ProcessorError(StageError):
    """This processor cannot give the bits that are promised."""


def require_processor(machine: str | None = None, cpuinfo: Path = CPUINFO) -> None:
    """Raise ProcessorError on an x86-64 processor without AVX2 or FMA, naming what is missing.

    On another kind of processor say on stderr that bytes may differ. `machine` and `cpuinfo` are
    this machine's unless given; where the kernel does not tell the features, none is missed.
    """
    machine = machine or platform.machine()
    if machine not in _X86_64:
        print(
            f"{machine}: bytes may differ from dvc.lock, which is promised for x86-64 processors "
            "with AVX2 and FMA; `make compare-lock` says by how much",
            file=sys.stderr,
        )
        return
    flags = _flags(cpuinfo)
    missing = [name for name in _NEEDED if name not in flags] if flags else []
    if missing:
        raise ProcessorError(
            f"this processor has no {' and no '.join(name.upper() for name in missing)}, which the "
            "pipeline computes with; `make results` brings the outputs from the remote instead"
        )


def _flags(cpuinfo: Path) -> set[str]:
    """Features of the first processor; none where the kernel does not tell."""
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    return {
        flag for line in lines if line.startswith("flags") for flag in line.split(":")[1].split()
    }
