"""Commands in a repository of the tests, and the small pipeline that they run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SMALL = (
    *("-S", "data.products=400", "-S", "data.unlabelled=40"),
    *("-S", "train.epochs=1", "-S", "text.folds=2", "-S", "image.size=32"),
)
"""Hundreds of rows, one epoch."""

ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def attempt(repository: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """`python -m command`, whatever becomes of it."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", *command],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )


def run(repository: Path, *command: str) -> str:
    """What `python -m command` prints; it must succeed."""
    done = attempt(repository, *command)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def git(repository: Path, *words: str) -> str:
    """What git prints."""
    return subprocess.run(  # noqa: S603
        ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *words],  # noqa: S607
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
