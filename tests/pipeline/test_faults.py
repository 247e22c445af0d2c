"""Killed anywhere, or out of disk: the next run completes, with the lock of an undisturbed one."""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest
import yaml

from tests.support.repository import ENVIRONMENT, PIPELINE, attempt, run
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("FAULT_SEED", random.SystemRandom().randrange(10**6)))
"""Of the moments of death; a failing test prints it, FAULT_SEED repeats it."""
LONGEST = 4.0
"""Seconds a stage may live before it is killed; most stages of the small run end sooner."""


@pytest.fixture
def emptied(small_run: Path, tmp_path: Path) -> Path:
    """The small run's repository, with nothing run and a cache of its own."""
    left_out = shutil.ignore_patterns("cache", "tmp", "dvc.lock")
    copy = shutil.copytree(small_run, tmp_path / "copy", symlinks=True, ignore=left_out)
    for name in ("data", "models", "metrics"):
        shutil.rmtree(copy / name)
    return copy


def reproduce(
    repository: Path, *targets: str, prepare: Callable[[], None] | None = None
) -> subprocess.Popen[bytes]:
    with log(repository).open("wb") as output:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "dvc", "repro", "--no-run-cache", *targets],
            cwd=repository,
            env=ENVIRONMENT,
            stdout=output,
            stderr=output,
            preexec_fn=prepare,
        )


def log(repository: Path) -> Path:
    """What the last run that was begun there printed."""
    return repository.with_name(f"{repository.name}.log")


def stage_below(process: subprocess.Popen[bytes], stage: str) -> psutil.Process | None:
    """The process of `stage`, once it runs; None when the run ended without it."""
    while process.poll() is None:
        try:
            for child in psutil.Process(process.pid).children(recursive=True):
                if child.cmdline()[-2:] == ["stages", stage]:
                    return child
        except psutil.NoSuchProcess:
            continue
    return None


def assert_same_lock(repository: Path, small_run: Path) -> None:
    run(repository, "stages.commands", "pipeline", "repair-lock")
    run(repository, "dvc", "repro", "--no-run-cache")
    # Stages that do not depend on each other stand in the order in which they ended first.
    locks = (yaml.safe_load((where / "dvc.lock").read_text()) for where in (repository, small_run))
    assert next(locks) == next(locks), SEED
    assert "up to date" in run(repository, "dvc", "status")
    for path in (small_run / "metrics").rglob("*.json"):
        if path.name != "environment.json":
            assert (repository / path.relative_to(small_run)).read_bytes() == path.read_bytes()


@pytest.mark.exhaustive
@pytest.mark.nightly
def test_killed_in_every_stage_at_random(emptied: Path, small_run: Path) -> None:
    """The first at once. Every second time DVC dies; its stage and what that started must, too."""
    moments = random.Random(SEED)
    killed = 0
    for number, stage in enumerate(PIPELINE):
        attempt(emptied, "stages.commands", "pipeline", "repair-lock")
        process = reproduce(emptied, stage)
        victim = stage_below(process, stage)
        assert victim is not None, (stage, SEED, log(emptied).read_text())
        try:
            victim.wait(moments.uniform(0, LONGEST) if number else 0)
        except psutil.TimeoutExpired:
            killed += 1
        family = psutil.Process(process.pid).children(recursive=True)
        if number % 2 or not victim.is_running():
            process.kill()
        else:
            victim.kill()
        process.wait(PATIENCE)
        _, alive = psutil.wait_procs(family, timeout=PATIENCE)
        assert not alive, (stage, SEED)
    assert killed, SEED
    assert_same_lock(emptied, small_run)


@pytest.mark.parametrize("dies", ["stage", "dvc"])
def test_what_was_done_before_a_kill_is_not_done_again(emptied: Path, dies: str) -> None:
    """However large the catalogue: a kill costs at most the stage that ran."""
    assert reproduce(emptied, "prepare").wait(PATIENCE * 10) == 0
    process = reproduce(emptied, "explore")
    victim = stage_below(process, "explore")
    assert victim is not None
    (process if dies == "dvc" else victim).kill()
    process.wait(PATIENCE)
    victim.wait(PATIENCE)
    run(emptied, "stages.commands", "pipeline", "repair-lock")
    told = run(emptied, "dvc", "repro", "--no-run-cache", "explore")
    assert re.findall(r"Running stage '(\w+)'", told) == ["explore"], told


def test_a_full_disk_is_told_and_leaves_nothing_that_is_taken_for_good(
    emptied: Path, small_run: Path
) -> None:
    """A limit on the size of a file stands for the full disk: the write fails in its midst."""
    sizes = [size for path in small_run.rglob("*") if (size := path.stat().st_size) > 2**17]
    assert max(sizes) > 2**24
    reached = []
    for limit in (2**17, 2**20, 2**24):
        process = reproduce(
            emptied,
            prepare=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit)),
        )
        assert process.wait(PATIENCE * 10) != 0, limit
        lock = emptied / "dvc.lock"
        reached.append(lock.read_text().count("cmd:") if lock.exists() else 0)
    assert reached == sorted(reached)
    assert reached[-1] < len(PIPELINE)
    assert_same_lock(emptied, small_run)
