"""A revision's result as a folder: a clone of the repository, with its outputs from DVC's cache."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stages.commands.exit_codes import ExitCode
from stages.commands.repository import ROOT, ResultError, dvc, git


class StaleError(ResultError):
    """The result is not that of the code and parameters beside it."""

    code = ExitCode.STALE


class MissingError(ResultError):
    """The result is locked, but its outputs are not at hand."""

    code = ExitCode.MISSING


class UnknownError(ResultError):
    """DVC cannot say whether the result is there."""

    code = ExitCode.UNKNOWN


def require_present(where: Path, named: str) -> None:
    """Raise unless what DVC tracks below `where` is there and made by the code and parameters
    there: StaleError, MissingError or, when `dvc status` fails, UnknownError."""
    done = dvc("status", "--json", where=where)
    try:
        status: dict[str, list[Any]] = json.loads(done.stdout)
    except ValueError:
        status = {}
    if done.returncode or not done.stdout.strip():
        raise UnknownError(
            f"dvc status of {named} fails, so nobody knows whether its result is there:\n"
            f"{done.stderr.strip()}"
        )
    changed = [stage for stage, changes in status.items() if not _only_missing(changes)]
    if changed:
        raise StaleError(
            f"{', '.join(changed)} changed since the last run, so {named} is not what its code "
            "and parameters make; run `make repro` there first"
        )
    if status:
        raise MissingError(
            f"outputs of {', '.join(status)} are missing in {named}; fetch them with "
            "`dvc checkout` or `dvc pull`, or make them with `make repro`"
        )


def _only_missing(changes: list[Any]) -> bool:
    """Whether all that `dvc status` says of a stage is that files are not there."""
    return all(
        isinstance(change, dict)
        and all(
            isinstance(paths, dict)
            # A changed parameter is a dictionary by key; a file is said in a word.
            and all(what in ("deleted", "not in cache") for what in paths.values())
            for paths in change.values()
        )
        for change in changes
    )


def commit_of(revision: str) -> str:
    """The full name of the commit that `revision` names. Raises ResultError when none is."""
    try:
        return git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    except ResultError:
        raise ResultError(f"{revision!r} names no commit of this repository") from None


def clone(destination: Path, commit: str) -> Path:
    """The repository at `commit`, a commit of any branch or experiment, with a cache of its own."""
    git("clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(destination))
    git("checkout", "--quiet", "--detach", commit, where=destination)
    return destination


@contextmanager
def at(revision: str) -> Iterator[Path]:
    """A temporary clone at `revision` that shares this repository's DVC cache and remotes."""
    commit = commit_of(revision)
    with tempfile.TemporaryDirectory(prefix="result-") as folder:
        where = clone(Path(folder) / "repository", commit)
        local = ROOT / ".dvc" / "config.local"
        if local.is_file():
            (where / ".dvc" / "config.local").write_bytes(local.read_bytes())
        cache = dvc("cache", "dir", where=ROOT).stdout.strip()
        dvc("cache", "dir", "--local", str((ROOT / cache).resolve()), where=where)
        yield where


def obtain(paths: list[str], where: Path) -> bool:
    """Bring what can be had of these outputs into a clone, from the cache or else from the remote;
    returns whether all of them are there."""
    for command in ("checkout", "pull"):
        done = dvc(command, "--allow-missing", *paths, where=where)
        if done.returncode == 0 and all((where / path).exists() for path in paths):
            return True
    return False
