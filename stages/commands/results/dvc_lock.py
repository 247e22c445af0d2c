"""dvc.lock as a table of outputs, each with its hash, its size and the stage that made it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from serving.inference.lock import directory_hash, md5_of_files
from stages.commands.repository import ROOT, ResultError

LOCK = "dvc.lock"
CLASSIFIER = "models/classifier"


@dataclass(frozen=True)
class Locked:
    """One output, or one dependency, as dvc.lock has it; `size` in bytes."""

    stage: str
    hash: str
    size: int


def read(folder: Path) -> dict[str, Any]:
    """The stages of `folder`'s dvc.lock. Raises ResultError when there is none."""
    try:
        return parse((folder / LOCK).read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultError(f"{error}; run `make repro` there") from error


def parse(text: str) -> dict[str, Any]:
    """The stages of a dvc.lock, by name. Raises ResultError when that is no dvc.lock."""
    try:
        stages: dict[str, Any] = yaml.safe_load(text)["stages"]
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise ResultError(f"{LOCK} cannot be read: {error}") from error
    return stages


def outputs(stages: dict[str, Any]) -> dict[str, Locked]:
    """Every output by path, in the pipeline's order."""
    return {
        out["path"]: Locked(name, out["md5"], out.get("size", 0))
        for name, stage in stages.items()
        for out in stage.get("outs", ())
    }


def dependency(stages: dict[str, Any], stage: str, path: str) -> str | None:
    """The hash of what `stage` read at `path`; None when it does not say."""
    for dep in stages.get(stage, {}).get("deps", ()):
        if dep["path"] == path:
            return str(dep["md5"])
    return None


def locked_hash(root: Path = ROOT) -> str:
    """The hash of the classifier in `root`'s dvc.lock. Raises ResultError when it locks none."""
    locked = outputs(read(root)).get(CLASSIFIER)
    if locked is None:
        raise ResultError(f"{LOCK} locks no {CLASSIFIER}; run `make repro`")
    return locked.hash


def present_hash(folder: Path) -> str:
    """The hash that dvc.lock would give the classifier in `folder`."""
    return directory_hash(md5_of_files(folder))


def content_hash(files: Mapping[str, bytes]) -> str:
    """The hash that dvc.lock gives to a file ("."), or to a directory of `files`."""
    hashes = {
        path: hashlib.md5(content, usedforsecurity=False).hexdigest()
        for path, content in files.items()
    }
    return hashes["."] if "." in hashes else directory_hash(hashes)


def files_below(path: Path) -> dict[str, bytes]:
    """Every file below a folder by its path from there, or a file by "."; none where none is."""
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    return {
        file.relative_to(path).as_posix(): file.read_bytes() for file in files if file.is_file()
    }
