"""A folder that DVC tracks, replaced as a whole: killed in between, it is the old one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

from stages.commands.exit_codes import CommandError
from stages.commands.repository import dvc
from stages.commands.results import dvc_lock

_NEW, _OLD = Path(".dvc/tmp/corrections.new"), Path(".dvc/tmp/corrections.old")
"""On the same file system as the data, and nothing that git or DVC look at."""


def content(folder: Path) -> dict[str, bytes]:
    """The files in a folder by their paths in it."""
    return dvc_lock.files_below(folder) if folder.is_dir() else {}


def replace(root: Path, folder: Path, files: Mapping[str, bytes]) -> None:
    """Make `files` the content of a folder of the repository at `root`.

    They are written beside it, and renaming puts them in its place. A kill between two renamings
    leaves no folder, never half of one: `recover` puts the old one back.
    """
    new, old = root / _NEW, root / _OLD
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    for name, data in files.items():
        path = new / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    target = root / folder
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def recover(root: Path, folder: Path) -> None:
    """Put the old folder back that a killed `replace` took away."""
    if not (root / folder).exists() and (root / _OLD).is_dir():
        (root / _OLD).rename(root / folder)


def track(root: Path, folder: Path) -> bool:
    """Have DVC track a folder as it is now; whether it did not before. Raises CommandError."""
    pointer = root / f"{folder}.dvc"
    if pointer.is_file():
        outs = (yaml.safe_load(pointer.read_text(encoding="utf-8")) or {}).get("outs") or [{}]
        if outs[0].get("md5") == dvc_lock.content_hash(content(root / folder)):
            return False
    done = dvc("--wait-for-lock", "add", "--quiet", str(folder), where=root)
    if done.returncode:
        raise CommandError(f"dvc add {folder}: {done.stderr.strip()}")
    return True
