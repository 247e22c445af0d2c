"""What computes a result gives equal bytes on an emulated processor, layer by layer."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stages.commands.proofs.emulation import PROCESSORS, QEMU, Emulator
from stages.common.determinism import ENVIRONMENT
from tests.support.repository import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.exhaustive,
    pytest.mark.nightly,
    pytest.mark.skipif(
        platform.machine() != "x86_64", reason="bytes are promised on x86-64 processors alone"
    ),
    pytest.mark.skipif(
        shutil.which(QEMU) is None, reason=f"{QEMU} is not installed (apt-get install qemu-user)"
    ),
]

LARGE = 10
"""Differences that are named."""

IN_A_WORKER = """
import multiprocessing, os, platform, sys
if __name__ == "__main__":
    if "AGAIN" not in os.environ:
        os.environ["AGAIN"] = "yes"
        os.execv(sys.executable, sys.orig_argv)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(platform.release(), pool.apply(platform.release))
"""


def start(python: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Python at work in the repository."""
    return subprocess.Popen(  # noqa: S603
        [python, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines(process: subprocess.Popen[str]) -> list[str]:
    """What it printed; it must have succeeded."""
    printed, errors = process.communicate()
    assert process.returncode == 0, errors[-3000:]
    return printed.splitlines()


def different(one: list[str], other: list[str]) -> list[str]:
    """Names of the layers, "digest name" each, that differ, in their order."""
    pairs = list(zip(one, other, strict=True))
    assert all(a.split(" ", 1)[1] == b.split(" ", 1)[1] for a, b in pairs)
    return [a.split(" ", 1)[1] for a, b in pairs if a != b]


@pytest.mark.parametrize(
    "part",
    [
        "defaults",
        *(
            pytest.param(
                part,
                marks=pytest.mark.skipif(
                    os.environ.get("OPERATIONS") != "all",
                    reason="what is no default takes minutes: make verify-operations",
                ),
            )
            for part in ("language", "networks")
        ),
    ],
)
def test_every_operation_gives_the_bytes_of_this_processor(part: str, tmp_path: Path) -> None:
    emulator = Emulator.make(PROCESSORS[0], tmp_path / "emulated")
    operations = ("-m", "tests.processors.operations", part)
    emulated = start(emulator.python, *operations, **emulator.environment, **ENVIRONMENT)
    native = start(Path(sys.executable), *operations, **ENVIRONMENT)
    found = different(lines(native), lines(emulated))
    assert not found, (
        f"{len(found)} layers differ on {emulator.processor}, first: {'; '.join(found[:LARGE])}"
    )
    assert emulator.finished() == [part]


@pytest.mark.parametrize("processor", PROCESSORS)
def test_what_starts_again_and_what_it_starts_is_emulated_too(
    processor: str, tmp_path: Path
) -> None:
    emulator = Emulator.make(processor, tmp_path / "emulated")
    script = tmp_path / "script.py"
    script.write_text(IN_A_WORKER)
    found = lines(start(Path("python3"), str(script), **emulator.environment))
    assert found == [f"{emulator.release} {emulator.release}"]
    assert platform.release() != emulator.release
