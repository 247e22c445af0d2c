"""The pipeline's stages, run for many parameters; a stage whose inputs are known runs once.

Each choice of parameters gets a workspace of its own with a composed params.yaml, where the stages
run as `dvc repro` would run them. dvc.yaml says which parameters and which other stages a stage
depends on: where all of these are equal, its outputs are linked from the workspace that has them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from dvc.utils.hydra import compose_and_dump

from tests.support.repository import PIPELINE, ROOT

CONF = ROOT / "conf"
_LAST_LINES = 15


class StageError(RuntimeError):
    """A stage ended with an error; the message holds its last lines."""


class Done(NamedTuple):
    """Where a stage's outputs are, and the seconds that it ran."""

    folder: Path
    seconds: float


def compose(path: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """Write the composition of conf/ with `overrides` to `path`, and give it back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compose_and_dump(path, str(CONF), None, "config", str(CONF), list(overrides))
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def outputs(stage: str) -> list[str]:
    """Paths that the stage writes."""
    return [out if isinstance(out, str) else next(iter(out)) for out in PIPELINE[stage]["outs"]]


def before(stage: str) -> list[str]:
    """Stages whose outputs this one reads."""
    return [
        other
        for other in PIPELINE
        for out in outputs(other)
        if any(dep == out or dep.startswith(f"{out}/") for dep in PIPELINE[stage]["deps"])
    ]


def identity(stage: str, params: dict[str, Any]) -> str:
    """Equal where all that the stage depends on is equal: its parameters and earlier stages."""
    values = [_value(params, name) for name in PIPELINE[stage].get("params", [])]
    return json.dumps([stage, values, [identity(other, params) for other in before(stage)]])


def _value(params: Any, name: str) -> Any:
    """The value at a dotted name; None where an option has no such key."""
    for part in name.split("."):
        params = params.get(part) if isinstance(params, dict) else None
    return params


class Combinations:
    """Workspaces below one scratch folder, with the outputs that are known so far.

    `common` are overrides for every composition. Where `sections` are given, they replace those of
    the composition: the data and the split of a run whose parameters are not the defaults.
    """

    def __init__(self, scratch: Path, common: Sequence[str], sections: dict[str, Any]) -> None:
        self._scratch = scratch
        self._common = list(common)
        self._sections = sections
        self._done: dict[str, Done] = {}
        self._count = 0

    def params(self, overrides: Sequence[str]) -> dict[str, Any]:
        """All parameters with `overrides`."""
        composed = compose(self._scratch / "composed.yaml", [*self._common, *overrides])
        return {**composed, **self._sections}

    def know(self, stage: str, folder: Path, params: dict[str, Any]) -> None:
        """The outputs of `stage` for `params` are in `folder` already.

        Raises FileNotFoundError when one of them is not.
        """
        for out in outputs(stage):
            if not (folder / out).exists():
                raise FileNotFoundError(
                    f"{folder / out} is missing; run `make repro` (or `dvc checkout`) first, or "
                    "name a catalogue with --data"
                )
        self._done[identity(stage, params)] = Done(folder, 0.0)

    def run(self, stage: str, params: dict[str, Any]) -> tuple[Path, dict[str, float]]:
        """A workspace with the outputs of `stage`, and the seconds of each stage it took.

        Raises StageError.
        """
        self._count += 1
        workspace = self._scratch / str(self._count)
        workspace.mkdir()
        for name in ("dvc.yaml", "conf", "stages", "serving"):
            (workspace / name).symlink_to(ROOT / name)
        (workspace / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
        seconds: dict[str, float] = {}
        self._bring(stage, params, workspace, seconds)
        return workspace, seconds

    def _bring(
        self, stage: str, params: dict[str, Any], workspace: Path, seconds: dict[str, float]
    ) -> None:
        if stage in seconds:
            return
        for other in before(stage):
            self._bring(other, params, workspace, seconds)
        key = identity(stage, params)
        if key in self._done:
            for out in outputs(stage):
                (workspace / out).parent.mkdir(parents=True, exist_ok=True)
                (workspace / out).symlink_to(self._done[key].folder / out)
        else:
            self._done[key] = Done(workspace, _execute(stage, workspace))
        seconds[stage] = self._done[key].seconds


def _execute(stage: str, workspace: Path) -> float:
    """Run the stage in `workspace`; its seconds, the start of Python included."""
    print(f"  {stage} …", end=" ", file=sys.stderr, flush=True)
    started = time.perf_counter()
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "stages", stage],
        cwd=workspace,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    print(f"{seconds:.0f} s", file=sys.stderr, flush=True)
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-_LAST_LINES:])
        raise StageError(f"{stage} ended with status {done.returncode}:\n{last}")
    return seconds
