"""Locked means locked: the classifier's folder is what dvc.lock says, to the byte.

`python -m serving.inference.lock` writes the excerpt of dvc.lock that a container ships beside the
folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import yaml

from serving.classifier import manifest
from serving.errors import LockError as LockError  # for whoever verifies a lock
from serving.errors import SettingsError
from serving.inference.report import read_report
from serving.settings import Settings

MEASURED = Path("metrics/evaluation.json")
"""What the pipeline measured of the classifier, beside dvc.lock."""

_EXCERPT = ".lock.json"


@dataclass(frozen=True)
class Lock:
    """What the lock says of a folder: DVC's hash, "<md5>.dir".

    `measured` is what the pipeline measured of exactly this folder, if that lies there; `report`
    the same for people, see report.read_report.
    """

    source: Path
    hash: str
    measured: dict[str, Any] | None
    report: dict[str, Any] = field(default_factory=dict)


def excerpt_path(folder: Path) -> Path:
    """Where the excerpt for `folder` lies."""
    return folder.with_name(folder.name + _EXCERPT)


def md5_of_files(folder: Path) -> dict[str, str]:
    """md5 of every file below `folder`, by POSIX path relative to it."""
    return {
        path.relative_to(folder).as_posix(): _md5(path)
        for path in sorted(folder.rglob("*"))
        if not path.is_dir()
    }


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def directory_hash(files: dict[str, str]) -> str:
    """The hash DVC gives a directory: the md5 of its list of files as JSON, sorted by path."""
    listing = [{"md5": files[path], "relpath": path} for path in sorted(files)]
    text = json.dumps(listing, sort_keys=True).encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest() + ".dir"


def read_lock(folder: Path, lock_file: Path) -> Lock:
    """What `lock_file` locks for `folder`: a dvc.lock, or the excerpt of one.

    Raises LockError when it is not there, is damaged, or says nothing about the folder.
    """
    if not lock_file.is_file():
        raise LockError(
            f"{lock_file} is not there; run `dvc repro` or `dvc pull`, or set SERVING_LOCK to "
            f"{excerpt_path(folder)} where only that was shipped"
        )
    try:
        if not lock_file.name.endswith(_EXCERPT):
            return _from_dvc(folder, lock_file)
        stored = json.loads(lock_file.read_text(encoding="utf-8"))
        return Lock(lock_file, stored["md5"], stored["measured"], stored.get("report", {}))
    except (ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise LockError(f"{lock_file} cannot be read: {error}") from error


def _from_dvc(folder: Path, lock_file: Path) -> Lock:
    content: dict[str, Any] = yaml.safe_load(lock_file.read_text(encoding="utf-8"))
    root = lock_file.resolve().parent
    stages = content["stages"].values()
    for out in (out for stage in stages for out in stage.get("outs", ())):
        if (root / out["path"]).resolve() == folder.resolve():
            is_of = partial(_is_measured_of, root, list(stages), out)
            path = root / MEASURED
            measured = json.loads(path.read_text(encoding="utf-8")) if is_of(MEASURED) else None
            return Lock(lock_file, out["md5"], measured, read_report(root, is_of))
    raise LockError(f"{lock_file} locks no {folder}; run `dvc repro`")


def _is_measured_of(
    root: Path, stages: Iterable[dict[str, Any]], out: dict[str, Any], measured: Path
) -> bool:
    """Whether a stage made a file or folder, as it is, from the very `out`."""
    path = root / measured
    if not path.exists():
        return False
    md5 = directory_hash(md5_of_files(path)) if path.is_dir() else _md5(path)
    made = {"path": measured.as_posix(), "md5": md5}
    return any(_lists(stage, "deps", out) and _lists(stage, "outs", made) for stage in stages)


def _lists(stage: dict[str, Any], kind: str, file: dict[str, Any]) -> bool:
    return any(
        (entry["path"], entry.get("md5")) == (file["path"], file["md5"])
        for entry in stage.get(kind, ())
    )


def verify(folder: Path, lock_file: Path, *, copy: Path | None = None) -> Lock:
    """What the lock says, once `folder`, or its `copy`, is exactly that.

    Raises LockError naming the file that is missing, changed or extra, as the manifest tells it.
    """
    lock = read_lock(folder, lock_file)
    if not folder.is_dir():
        raise LockError(f"{folder} is missing; run `dvc repro` or `dvc pull`")
    verified = copy or folder
    actual = directory_hash(md5_of_files(verified))
    if actual == lock.hash:
        return lock
    try:
        manifest.read_verified(verified)
    except (manifest.ManifestError, ValueError, OSError) as error:
        said = str(error).replace(str(verified), str(folder))
        raise LockError(f"not as locked: {said}") from error
    raise LockError(
        f"{folder} has md5 {actual}; {lock.source} locks {lock.hash}; since every file is as "
        f"{folder / manifest.NAME} says, that is changed, too"
    )


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder that nobody else can change, gone in the end whoever still writes there."""
    with TemporaryDirectory(prefix="classifier-") as place:
        folder = Path(place) / "private"
        folder.mkdir()
        try:
            yield folder
        finally:
            folder.rename(folder.with_name("gone"))  # who still writes finds it no longer


def copied(folder: Path, private: Path) -> Path:
    """A copy of `folder` in a `private_folder`, to be verified and loaded.

    Verified where it lies, a folder could be another one by the time it is loaded. Raises LockError
    for anything in it that is neither a file nor a folder: a pipe or device may never end.
    """
    copy = private / folder.name
    copy.mkdir()
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            (copy / path.relative_to(folder)).mkdir()
            continue
        with opened(path) as source:
            (copy / path.relative_to(folder)).write_bytes(source.read())
    return copy


def opened(path: Path) -> BinaryIO:
    """A file that is one. Raises LockError."""
    # Without waiting for the other end of a pipe.
    source = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    if stat.S_ISREG(os.fstat(source.fileno()).st_mode):
        return source
    source.close()
    raise LockError(f"{path} is no file; a classifier has nothing but files")


def write_excerpt(folder: Path, lock_file: Path) -> Path:
    """Verify `folder` against `lock_file` and write the excerpt beside it."""
    lock = verify(folder, lock_file)
    excerpt = {"md5": lock.hash, "measured": lock.measured, "report": lock.report}
    path = excerpt_path(folder)
    path.write_text(json.dumps(excerpt, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def main() -> int:
    """Write the excerpt for the configured folder; returns the exit code."""
    try:
        settings = Settings.load()
        print(write_excerpt(settings.model, settings.lock))
    except (LockError, SettingsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
