"""Prove that two runs of the committed pipeline are equal to the byte.

HEAD is cloned twice, to paths of different length, and each clone runs the whole pipeline without
any cache, under another hash seed, time zone, language, umask and number of processors, and with
the libraries told by the caller to compute otherwise. Then dvc.lock and everything in metrics/ are
compared, and for the first output that differs it is said what inside differs.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import typer

from stages.commands import repository
from stages.commands.exit_codes import ExitCode
from stages.commands.proofs.reruns import (
    Options,
    Overrides,
    Surroundings,
    reproduce,
    settings,
    verdict,
)
from stages.commands.results import revision

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


def changed(where: Path) -> list[str]:
    """Tracked or new files of a clone that are not as committed."""
    return [line[3:] for line in repository.git("status", "--porcelain", where=where).splitlines()]


def verify(overrides: Overrides = None, options: Options = "") -> None:
    """Run the committed pipeline twice and compare to the byte.

    Ends with 1 when the runs differ, and with 4 when they are equal but not what is committed,
    which is not looked at with -S.
    """
    given = settings(overrides, options)
    commit = revision.commit_of("HEAD")
    if changed(repository.ROOT):
        print("Uncommitted changes are not part of this: HEAD is cloned.")
    usable = len(os.sched_getaffinity(0))
    if usable < max(run.processors for run in RUNS):
        print(f"Only {usable} processor(s) can be used here: their number is not varied.")
    with tempfile.TemporaryDirectory(prefix="reproducible-") as folder:
        one, other = (reproduce(Path(folder), commit, run, given) for run in RUNS)
        equal, words = verdict(one, other)
        print(words)
        if not equal:
            raise typer.Exit(ExitCode.FAILED)
        if given:
            return
        if names := changed(one):
            print(f"NOT AS COMMITTED: {', '.join(names)}. Two runs here are equal, so dvc.lock is")
            print("out of date, or one of both machines is no x86-64 with AVX2: make compare-lock")
            raise typer.Exit(ExitCode.STALE)
        print("git status is clean: both are what is committed")
