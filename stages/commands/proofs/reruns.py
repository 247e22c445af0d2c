"""The committed pipeline run again in clones without a cache, and how two of them differ."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stages.commands import repository
from stages.commands.exit_codes import CommandError
from stages.commands.pipeline.composition import compose
from stages.commands.results import dvc_lock, file_diff, revision

_SHOWN = 3000
_LISTED = 20

Overrides = Annotated[
    list[str] | None,
    typer.Option("-S", metavar="KEY=VALUE", help="As in `dvc exp run`; may be repeated."),
]

Options = Annotated[
    str, typer.Option(envvar="OPTIONS", help="Further -S KEY=VALUE, in words as a shell has them.")
]


def settings(overrides: list[str] | None, options: str) -> list[str]:
    """All that was given, as KEY=VALUE."""
    return [*(overrides or []), *(word for word in shlex.split(options) if word != "-S")]


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


def reproduce(folder: Path, commit: str, run: Surroundings, overrides: Sequence[str]) -> Path:
    """A clone below `folder` in which the pipeline ran. Raises CommandError when it failed."""
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
            raise CommandError(f"the pipeline failed under {run}:\n{done.stderr[-_SHOWN:]}")
        print(f"{time.monotonic() - started:5.0f} s  {run}", flush=True)
    finally:
        os.umask(mask)
        os.sched_setaffinity(0, processors)
    return where


def differences(first: Path, second: Path) -> list[str]:
    """What differs between two clones, first things first: one line an output or metric."""
    old, new = (dvc_lock.outputs(dvc_lock.read(where)) for where in (first, second))
    outputs = {
        path: f" ({out.stage})"
        for path, out in old.items()
        if path not in new or out.hash != new[path].hash
    }
    # Whatever the locks say of outputs, they and the metrics are to be the same files.
    for paths in (outputs, {dvc_lock.LOCK: "", "metrics": ""}):
        lines = [
            f"{path}{'/' * bool(name)}{name}{stage}: {difference.words}"
            for path, stage in paths.items()
            for name, difference in file_diff.differences(
                first / path, second / path, file_diff.EXACT
            )
        ]
        if lines:
            return lines
    return []


def verdict(first: Path, second: Path) -> tuple[bool, str]:
    """Whether two clones are equal to the byte, and that in words, with the first differences."""
    lines = differences(first, second)
    if lines:
        listed = "\n  ".join(lines[:_LISTED])
        return False, f"DIFFERENT: {len(lines)} files. First:\n  {listed}"
    count = len(dvc_lock.outputs(dvc_lock.read(first)))
    return True, f"EQUAL: dvc.lock, metrics and {count} outputs"
