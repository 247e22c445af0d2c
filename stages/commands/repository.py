"""This repository as commands use it: where it lies, git, and DVC with the project's Python."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from stages.commands.exit_codes import CommandError, ExitCode

ROOT = Path(__file__).resolve().parents[2]


class ResultError(CommandError):
    """There is no such result; the message says what was looked for and what to do."""

    code = ExitCode.NOTHING


def git(*words: str, where: Path | None = None) -> str:
    """What git prints, as text. Raises ResultError with git's own words when it fails."""
    return git_bytes(*words, where=where).decode()


def git_bytes(*words: str, where: Path | None = None) -> bytes:
    """What git prints. Raises ResultError with git's own words when it fails."""
    done = subprocess.run(  # noqa: S603
        ["git", *words],  # noqa: S607
        cwd=where or ROOT,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise ResultError(f"git {words[0]}: {done.stderr.decode().strip()}")
    return done.stdout


def git_files(*words: str, where: Path | None = None) -> list[str]:
    """The paths that git lists when it is asked with `-z`."""
    return git(*words, where=where).split("\0")[:-1]


def dvc(
    *words: str, where: Path, environment: Mapping[str, str] | None = None, shown: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run DVC, and through it the stages, with the interpreter that runs this.

    What it prints is kept, or else shown on stderr: stdout is for results.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "dvc", *words],
        cwd=where,
        env={**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1", **(environment or {})},
        stdout=sys.stderr if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.PIPE,
        text=True,
        check=False,
    )


def unused_path(pattern: str) -> Path:
    """The first path that is free, with "", 1, 2 … in the place of {}."""
    paths = (Path(pattern.format(number or "")) for number in itertools.count())
    return next(path for path in paths if not path.exists())


@contextmanager
def dvc_refusals() -> Iterator[None]:
    """What DVC, called as a library, refuses becomes a CommandError in its own words."""
    from dvc.exceptions import DvcException  # here, as an environment without DVC uses git

    try:
        yield
    except DvcException as error:
        raise CommandError(str(error)) from error
