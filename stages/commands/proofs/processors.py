"""Prove that other processors give the same bytes: `make verify-processors`.

The committed revision is cloned, and the pipeline runs in the clones without any cache: as this
machine is, then on emulated processors (stages.commands.proofs.emulation), which takes minutes.
Each is compared with the first to the byte. `-S key=value` as in `dvc exp run`.

Exit status: 0 all are equal, 1 some differ; the first file that does is named, and what in it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from stages.commands.proofs.emulation import PROCESSORS, Emulator
from stages.commands.proofs.verify import DIFFERENT, Surroundings, compared, reproduce
from stages.commands.repository import ResultError
from stages.commands.results import dvc_lock, revision

_UMASK = 0o022


def require_emulated(emulator: Emulator, where: Path) -> None:
    """Raise ResultError naming a stage that did not run on the emulated processor."""
    stages = yaml.safe_load((where / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    if escaped := sorted(set(stages) - set(emulator.finished())):
        raise ResultError(f"{', '.join(escaped)} did not run on the emulated {emulator.processor}")


def main(arguments: Sequence[str]) -> int:
    """Run, compare, say; the exit status."""
    parser = argparse.ArgumentParser(prog="make verify-processors", description=__doc__)
    parser.add_argument("-S", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    overrides = parser.parse_args(arguments).overrides
    commit = revision.commit_of("HEAD")
    status = 0
    with tempfile.TemporaryDirectory(prefix="processors-") as name:
        folder = Path(name)
        here = reproduce(folder, commit, Surroundings("native", 2, _UMASK, {}), overrides)
        for processor in PROCESSORS:
            emulator = Emulator.make(processor, folder / f"{processor}-python")
            run = Surroundings(processor, 2, _UMASK, emulator.environment)
            there = reproduce(folder, commit, run, overrides)
            require_emulated(emulator, there)
            if found := compared(here, there):
                print(f"{processor}: DIFFERENT: {len(found)} files. First:")
                print("\n".join(f"  {line}" for line in found[:20]))
                status = DIFFERENT
            else:
                count = len(dvc_lock.outputs(dvc_lock.read(there)))
                print(f"{processor}: EQUAL: dvc.lock, metrics and {count} outputs")
    return status


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (ResultError, subprocess.CalledProcessError) as error:
        sys.exit(f"verify-processors: {error}")
