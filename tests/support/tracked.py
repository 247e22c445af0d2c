"""A repository whose workspace holds a result, made without a run: the tiny classifier, the
committed metrics with curves, and a dvc.lock that says so."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from stages.commands.results import dvc_lock
from tests.support import tiny
from tests.support.repository import clone, git


def make(folder: Path) -> Path:
    """Make it in `folder`, committed."""
    folder.mkdir()
    clone(folder)
    (folder / dvc_lock.LOCK).unlink()
    tiny.build(folder)
    write_curves(folder)
    relock(folder)
    git(folder, "add", "--all", "--force", "dvc.lock", "metrics")
    git(folder, "commit", "--quiet", "--message", "result")
    git(folder, "config", "user.name", "Alice Martin")
    git(folder, "config", "user.email", "alice@localhost")
    return folder


def write_curves(folder: Path) -> None:
    """Curves of the image branch, as training by gradient descent leaves them: the committed
    branches are solved at once and have none."""
    for part in ("train", "eval"):
        for figure in ("loss", "accuracy"):
            path = folder / f"metrics/train_image/plots/metrics/{part}/{figure}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"step\t{figure}\n0\t0.5\n1\t0.25\n", encoding="utf-8")


def relock(folder: Path) -> None:
    """Write dvc.lock anew, for what is in the workspace now."""
    paths = (
        "data.json",
        "evaluation.json",
        "fusion.json",
        "evaluation",
        "train_text",
        "train_image",
    )
    measured = [_out(folder, f"metrics/{path}") for path in paths]
    raw = {"path": "data/raw", "md5": f"{'0' * 32}.dir"}
    stages = {
        "ingest": {"cmd": "ingest", "outs": [raw]},
        "export": {"cmd": "export", "outs": [_out(folder, dvc_lock.CLASSIFIER)]},
        "evaluate": {"cmd": "evaluate", "outs": measured},
    }
    text = yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False)
    (folder / dvc_lock.LOCK).write_text(text, encoding="utf-8")


def _out(folder: Path, path: str) -> dict[str, str]:
    return {"path": path, "hash": "md5", "md5": _hash(folder / path)}


def fill_cache(folder: Path) -> dict[str, Path]:
    """Put the classifier into DVC's cache, as a run would; its objects by the file's name."""
    classifier = folder / dvc_lock.CLASSIFIER
    cache = folder / ".dvc" / "cache" / "files" / "md5"
    objects = {}
    listing = []
    for name, content in dvc_lock.files_below(classifier).items():
        md5 = dvc_lock.content_hash({".": content})
        objects[name] = cache / md5[:2] / md5[2:]
        objects[name].parent.mkdir(parents=True, exist_ok=True)
        objects[name].write_bytes(content)
        listing.append({"md5": md5, "relpath": name})
    whole = _hash(classifier)
    objects["."] = cache / whole[:2] / whole[2:]
    objects["."].parent.mkdir(parents=True, exist_ok=True)
    objects["."].write_text(json.dumps(listing, sort_keys=True), encoding="utf-8")
    return objects


def _hash(path: Path) -> str:
    return dvc_lock.content_hash(dvc_lock.files_below(path))
