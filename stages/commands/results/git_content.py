"""Whether a file's content can be had again: from a commit, an experiment, or conf/.

Needs nothing but git and Python: conf/hydra_plugins/hand_edits.py asks it before any composition,
with whatever Python runs DVC.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

PARAMS = "params.yaml"
_COMPOSED = Path(".dvc/tmp/composed-params")


def git(root: Path, *words: str) -> str:
    """What git prints; empty when it fails."""
    done = subprocess.run(  # noqa: S603
        ["git", *words],  # noqa: S607
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def blob(root: Path, path: str) -> str:
    """Git's name for the content of the file; empty when there is no file or no git."""
    return git(root, "hash-object", path) if (root / path).is_file() else ""


def known(root: Path, path: str, content: str) -> bool:
    """Whether git has this content of the file, in a commit or in an experiment, or, of
    params.yaml, an earlier composition wrote it."""
    noted = root / _COMPOSED
    if path == PARAMS and noted.is_file() and content in noted.read_text("utf-8").split():
        return True
    stashes = (f"--exclude=refs/{name}" for name in ("stash", "exps/stash", "exps/celery/*"))
    found = ("--all", "-1", "--format=%H", f"--find-object={content}", "--", path)
    return bool(git(root, "log", *stashes, *found))


def remember(root: Path) -> None:
    """Note that the present params.yaml came out of a composition."""
    noted = root / _COMPOSED
    noted.parent.mkdir(parents=True, exist_ok=True)
    with noted.open("a", encoding="utf-8") as file:
        file.write(blob(root, PARAMS) + "\n")
