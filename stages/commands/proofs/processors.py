"""Prove that other processors give the same bytes.

HEAD is cloned, and the pipeline runs in the clones without any cache: as this machine is, then on
emulated processors (stages.commands.proofs.emulation), which takes minutes. Each is compared with
the first to the byte.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import typer
import yaml

from stages.commands.exit_codes import ExitCode
from stages.commands.proofs.emulation import PROCESSORS, Emulator
from stages.commands.proofs.reruns import (
    Options,
    Overrides,
    Surroundings,
    reproduce,
    settings,
    verdict,
)
from stages.commands.repository import ResultError
from stages.commands.results import revision

_UMASK = 0o022


def require_emulated(emulator: Emulator, where: Path) -> None:
    """Raise ResultError naming a stage that did not run on the emulated processor."""
    stages = yaml.safe_load((where / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    if escaped := sorted(set(stages) - set(emulator.finished())):
        raise ResultError(f"{', '.join(escaped)} did not run on the emulated {emulator.processor}")


def processors(overrides: Overrides = None, options: Options = "") -> None:
    """Run the pipeline here and on emulated processors; ends with 1 when any differs."""
    given = settings(overrides, options)
    commit = revision.commit_of("HEAD")
    all_equal = True
    with tempfile.TemporaryDirectory(prefix="processors-") as name:
        folder = Path(name)
        here = reproduce(folder, commit, Surroundings("native", 2, _UMASK, {}), given)
        for processor in PROCESSORS:
            emulator = Emulator.make(processor, folder / f"{processor}-python")
            run = Surroundings(processor, 2, _UMASK, emulator.environment)
            there = reproduce(folder, commit, run, given)
            require_emulated(emulator, there)
            equal, words = verdict(here, there)
            print(f"{processor}: {words}")
            all_equal &= equal
    if not all_equal:
        raise typer.Exit(ExitCode.FAILED)
