"""A repository whose workspace holds a result, made without a run: the tiny classifier, the
committed metrics, and a dvc.lock that says so."""

from __future__ import annotations

from pathlib import Path

import yaml

from stages.commands import locks
from tests.support import tiny
from tests.support.repository import clone, git


def make(folder: Path) -> Path:
    """Make it in `folder`, committed."""
    folder.mkdir()
    clone(folder)
    (folder / locks.LOCK).unlink()
    tiny.build(folder)
    relock(folder)
    git(folder, "add", "--all", "--force", "dvc.lock", "metrics")
    git(folder, "commit", "--quiet", "--message", "result")
    git(folder, "config", "user.name", "Alice Martin")
    git(folder, "config", "user.email", "alice@localhost")
    return folder


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
    measured = [
        {"path": f"metrics/{path}", "md5": _hash(folder / "metrics" / path)} for path in paths
    ]
    classifier = {"path": locks.CLASSIFIER, "md5": _hash(folder / locks.CLASSIFIER)}
    raw = {"path": "data/raw", "md5": f"{'0' * 32}.dir"}
    stages = {
        "ingest": {"cmd": "ingest", "outs": [raw]},
        "export": {"cmd": "export", "outs": [classifier]},
        "evaluate": {"cmd": "evaluate", "outs": measured},
    }
    text = yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False)
    (folder / locks.LOCK).write_text(text, encoding="utf-8")


def _hash(path: Path) -> str:
    return locks.content_hash(locks.files_below(path))
