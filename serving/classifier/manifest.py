"""The manifest of an exported classifier: which files it has, and the sha256 of each."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

NAME = "manifest.json"


class ManifestError(RuntimeError):
    """The folder is not the classifier its manifest describes; the message names the file."""


def sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(folder: Path, about: dict[str, Any]) -> None:
    """Hash every file in `folder` and write the manifest beside them, with `about` in it."""
    files = {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.name != NAME}
    manifest = {"files": files, **about}
    (folder / NAME).write_text(
        json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def read_verified(folder: Path) -> dict[str, Any]:
    """The manifest, once every file it names has the hash it names and no other file is there.

    Raises ManifestError naming the file, with both hashes where it is a changed one.
    """
    path = folder / NAME
    if not path.is_file():
        raise ManifestError(f"{folder} holds no {NAME}; run `dvc repro` or `dvc pull`")
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        files: dict[str, str] = dict(manifest["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise ManifestError(
            f"{path} is damaged: {error!r}; run `dvc pull` or `dvc repro`"
        ) from error
    present = {entry.name for entry in folder.iterdir()} - {NAME}
    for name, expected in files.items():
        if name not in present:
            raise ManifestError(f"{folder / name} is missing (expected sha256 {expected})")
        actual = sha256(folder / name)
        if actual != expected:
            raise ManifestError(f"{folder / name} has sha256 {actual}; expected {expected}")
    extra = sorted(present - files.keys())
    if extra:
        raise ManifestError(f"{folder / extra[0]} is not in the manifest")
    return manifest
