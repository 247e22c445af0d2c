"""The repository of the tests, copies of it, and commands in them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]

PIPELINE: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
"""The stages of dvc.yaml."""

SMALL = (
    *("-S", "data.products=400", "-S", "data.unlabelled=40"),
    *("-S", "train.epochs=1", "-S", "text.folds=2"),
    *("-S", "image.folds=2", "-S", "image.size=32"),
)
"""Options of the small pipeline: hundreds of rows, one epoch."""

WITHOUT_PICTURES = (*SMALL[:-4], "-S", "image=none")
"""The same, in half the time."""

ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def unactivated(folder: Path) -> dict[str, str]:
    """Surroundings in which no environment is activated: `python3` in the PATH is made in `folder`,
    and is that which the environment of the tests was made from."""
    folder.mkdir(parents=True)
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    left = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return {**left, "PATH": f"{folder}:/usr/bin:/bin"}


def called(
    folder: Path, *command: str | Path, env: Mapping[str, str] = ENVIRONMENT
) -> subprocess.CompletedProcess[str]:
    """A command in `folder`, whatever becomes of it."""
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)  # noqa: S603


def attempt(
    repository: Path, *command: str, env: Mapping[str, str] = ENVIRONMENT
) -> subprocess.CompletedProcess[str]:
    """`python -m command`, whatever becomes of it."""
    return called(repository, sys.executable, "-m", *command, env=env)


def run(repository: Path, *command: str, env: Mapping[str, str] = ENVIRONMENT) -> str:
    """What `python -m command` prints; it must succeed."""
    done = attempt(repository, *command, env=env)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def git(repository: Path, *words: str) -> str:
    """What git prints; it must succeed."""
    return subprocess.run(  # noqa: S603
        ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *words],  # noqa: S607
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def clone(destination: Path) -> Path:
    """The repository as it stands, tracked and new files, in a git repository of its own."""
    for name in git(ROOT, "ls-files", "-co", "--exclude-standard", "-z").split("\0"):
        if name and (ROOT / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            (destination / name).write_bytes((ROOT / name).read_bytes())
    git(destination, "init", "--quiet")
    git(destination, "add", "--all")
    git(destination, "commit", "--quiet", "--message", "clone")
    return destination
