"""The guard of a running stage: what it reads must not change under it.

DVC hashes dependencies after a command has run. A file edited meanwhile would be recorded as the
one that was used, and that lie would be kept for good in the lock and in the run cache.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pathspec import GitIgnoreSpec

from stages.common.output import StageError

PIPELINE = Path("dvc.yaml")
PARAMS = Path("params.yaml")
IGNORED = Path(".dvcignore")

_REFERENCE = re.compile(r"\$\{([\w.]+)\}")


class ChangedError(StageError):
    """A dependency was written while the stage ran; what the stage read cannot be known."""


@dataclass(frozen=True)
class Declared:
    """What dvc.yaml says of one stage."""

    dependencies: tuple[Path, ...]
    parameters: tuple[str, ...]
    outputs: tuple[Path, ...]


@dataclass(frozen=True)
class Snapshot:
    """Dependencies at one moment: inode, size and time of each file, value of each parameter.

    Times instead of hashes: an edit that is undone before the stage ends is seen too, and
    gigabytes cost nothing.
    """

    files: Mapping[Path, tuple[int, int, int]]
    values: Mapping[str, Any]


def declared(stage: str) -> Declared:
    """What dvc.yaml in the working directory declares for `stage`.

    Raises StageError when there is no such stage or file.
    """
    try:
        stages = yaml.safe_load(PIPELINE.read_text(encoding="utf-8"))["stages"]
        parameters = _parameters()
    except (OSError, yaml.YAMLError) as error:
        raise StageError(f"{error}; run from the repository's root") from error
    if stage not in stages:
        raise StageError(f"{PIPELINE} has no stage {stage!r}; expected one of {', '.join(stages)}")
    declared = stages[stage]
    dependencies = (_resolved(name, parameters) for name in declared.get("deps", ()))
    return Declared(
        # What lies on a server is looked after by its source.
        tuple(Path(path) for path in dependencies if "://" not in path),
        tuple(declared.get("params", ())),
        tuple(Path(next(iter(out)) if isinstance(out, dict) else out) for out in declared["outs"]),
    )


def take(stage: Declared) -> Snapshot:
    """What the dependencies are now."""
    files = {}
    ignored = _ignored()
    for path in (file for dep in stage.dependencies for file in _files(dep, ignored)):
        status = path.stat()
        files[path] = (status.st_ino, status.st_size, status.st_mtime_ns)
    parameters = _parameters()
    return Snapshot(files, {key: _value(parameters, key) for key in stage.parameters})


def require_same(stage: str, before: Snapshot, after: Snapshot) -> None:
    """Raise ChangedError naming the first file or parameter that is not what it was."""
    for path in sorted(before.files.keys() | after.files.keys()):
        old, new = before.files.get(path), after.files.get(path)
        if old != new:
            how = "appeared" if old is None else "disappeared" if new is None else "was written"
            raise ChangedError(
                f"{path} {how} while {stage} ran, so its result belongs to neither version and "
                "is not kept; run `make repro` again"
            )
    for key, old in before.values.items():
        if old != after.values[key]:
            raise ChangedError(
                f"{PARAMS}: {key} was {old!r} when {stage} started and is {after.values[key]!r} "
                "now, so its result is not kept; run `make repro` again"
            )


def clear(stage: Declared) -> None:
    """Remove the stage's outputs, as DVC does before a run: they may be links into its cache,
    which must not be written through, or the remains of a run that was killed."""
    for path in stage.outputs:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _parameters() -> Any:
    return yaml.safe_load(PARAMS.read_text(encoding="utf-8"))


def _resolved(text: str, parameters: Any) -> str:
    """`text` with each ${key} of params.yaml replaced, as DVC does it."""
    return _REFERENCE.sub(lambda match: str(_value(parameters, match.group(1))), text)


def _value(parameters: Any, key: str) -> Any:
    for part in key.split("."):
        parameters = parameters.get(part) if isinstance(parameters, dict) else None
    return parameters


def _files(path: Path, ignored: GitIgnoreSpec) -> Iterator[Path]:
    if path.is_dir():
        tracked = (file for file in path.rglob("*") if not ignored.match_file(file))
        yield from sorted(file for file in tracked if file.is_file())
    elif path.exists():
        yield path


def _ignored() -> GitIgnoreSpec:
    """What DVC leaves out of a directory, such as the bytecode that the stage itself writes."""
    return GitIgnoreSpec.from_lines(
        IGNORED.read_text(encoding="utf-8").splitlines() if IGNORED.exists() else ()
    )
