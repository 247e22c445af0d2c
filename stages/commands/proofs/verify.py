"""Prove that runs are equal to the byte: `make verify-reproducible`.

The committed revision is cloned twice, to paths of different length, and each clone runs the whole
pipeline without any cache, under another hash seed, time zone, language, umask and number of
processors, and with the libraries told by the caller to compute otherwise. Then dvc.lock and
everything in metrics/ are compared, and for the first output that differs it is said what inside
differs. `-S key=value` (as in `dvc exp run`) makes the run smaller.

Exit status: 0 the runs are equal and are what is committed, 1 they differ from each other, 2 they
are equal, but not what is committed (with -S that is not looked at).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.commands import repository
from stages.commands.pipeline.params import compose
from stages.commands.repository import ResultError
from stages.commands.results import dvc_lock, file_diff, revision

DIFFERENT, NOT_COMMITTED = 1, 2
_SHOWN = 3000


@dataclass(frozen=True)
class Surroundings:
    """What must not matter."""

    path: str
    processors: int
    umask: int
    environment: Mapping[str, str]

    def __str__(self) -> str:
        shown = {k: v for k, v in self.environment.items() if not k.endswith("PATH")}
        variables = " ".join(f"{name}={value}" for name, value in shown.items())
        return f"{self.path}: {self.processors} processor(s), umask {self.umask:03o} {variables}"


HOSTILE = {
    "OMP_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "2",
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": "AVX512_SPR",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA",
}
"""Other kernels than those of the pins, which run on every processor: without the pins each would
change the result."""

RUNS = (
    Surroundings(
        "one",
        2,
        0o022,
        {"PYTHONHASHSEED": "0", "TZ": "UTC", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
    ),
    Surroundings(
        "another/path/that is/longer",
        1,
        0o077,
        {
            **{"PYTHONHASHSEED": "31337", "TZ": "Pacific/Auckland", "LANG": "fr_FR"},
            **{"LC_ALL": "C", **HOSTILE},
        },
    ),
)


def reproduce(folder: Path, commit: str, run: Surroundings, overrides: Sequence[str]) -> Path:
    """A clone below `folder` in which the pipeline ran. Raises ResultError when it failed."""
    where = folder / run.path
    where.parent.mkdir(parents=True, exist_ok=True)
    # The processors and the umask are this process's for as long as the children start.
    processors, mask = os.sched_getaffinity(0), os.umask(run.umask)
    try:
        os.sched_setaffinity(0, set(sorted(processors)[: run.processors]))
        revision.clone(where, commit)
        if overrides:
            (where / "params.yaml").write_text(compose(where / "conf", overrides), encoding="utf-8")
        started = time.monotonic()
        command = ("repro", "--force", "--no-run-cache")
        done = repository.dvc(*command, where=where, environment=run.environment)
        if done.returncode:
            raise ResultError(f"the pipeline failed under {run}:\n{done.stderr[-_SHOWN:]}")
        print(f"{time.monotonic() - started:5.0f} s  {run}", flush=True)
    finally:
        os.umask(mask)
        os.sched_setaffinity(0, processors)
    return where


def compared(first: Path, second: Path) -> list[str]:
    """What differs between two clones, first things first: one line an output or metric."""
    old, new = (dvc_lock.outputs(dvc_lock.read(where)) for where in (first, second))
    lines: list[str] = []
    for path, out in old.items():
        if path not in new or out.hash != new[path].hash:
            lines.extend(
                f"{path}{'/' * bool(name)}{name} ({out.stage}): {found.words}"
                for name, found in file_diff.differences(
                    first / path, second / path, file_diff.EXACT
                )
            )
    for name in ("dvc.lock", "metrics"):
        lines.extend(
            f"{name}{'/' * bool(within)}{within}: {found.words}"
            for within, found in file_diff.differences(first / name, second / name, file_diff.EXACT)
            if not lines
        )
    return lines


def changed(where: Path) -> list[str]:
    """Tracked or new files of a clone that are not as committed."""
    return [line[3:] for line in repository.git("status", "--porcelain", where=where).splitlines()]


def main(arguments: Sequence[str]) -> int:
    """Run both, compare, say; the exit status."""
    parser = argparse.ArgumentParser(prog="make verify-reproducible", description=__doc__)
    parser.add_argument("-S", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    overrides = parser.parse_args(arguments).overrides
    commit = revision.commit_of("HEAD")
    if changed(repository.ROOT):
        print("Uncommitted changes are not part of this: HEAD is cloned.")
    usable = len(os.sched_getaffinity(0))
    if usable < max(run.processors for run in RUNS):
        print(f"Only {usable} processor(s) can be used here: their number is not varied.")
    with tempfile.TemporaryDirectory(prefix="reproducible-") as folder:
        one, other = (reproduce(Path(folder), commit, run, overrides) for run in RUNS)
        found = compared(one, other)
        if found:
            print(f"DIFFERENT: {len(found)} files. First:\n  {found[0]}")
            print("\n".join(f"  {line}" for line in found[1:20]))
            return DIFFERENT
        print(f"EQUAL: dvc.lock, metrics and {len(dvc_lock.outputs(dvc_lock.read(one)))} outputs")
        if overrides:
            return 0
        if names := changed(one):
            print(f"NOT AS COMMITTED: {', '.join(names)}. Two runs here are equal, so dvc.lock is")
            print("out of date, or one of both machines is no x86-64 with AVX2: make compare-lock")
            return NOT_COMMITTED
        print("git status is clean: both are what is committed")
        return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (ResultError, subprocess.CalledProcessError) as error:
        sys.exit(f"verify-reproducible: {error}")
