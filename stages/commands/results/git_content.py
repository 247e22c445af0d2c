"""Whether a file's content can be had again: from a commit, an experiment, or conf/.

Needs nothing but git and Python: conf/hydra_plugins/hand_edits.py asks it before any composition,
with whatever Python runs DVC.
"""

from __future__ import annotations

from pathlib import Path

from stages.commands.repository import ResultError, git

PARAMS = "params.yaml"
_COMPOSED = Path(".dvc/tmp/composed-params")


def blob(root: Path, path: str) -> str:
    """Git's name for the content of the file; empty when there is no file."""
    return git("hash-object", path, where=root).strip() if (root / path).is_file() else ""


def is_kept(root: Path, path: str, content: str) -> bool:
    """Whether git has this content of the file, in a commit or in an experiment, or, of
    params.yaml, an earlier composition wrote it."""
    composed = root / _COMPOSED
    if path == PARAMS and composed.is_file() and content in composed.read_text("utf-8").split():
        return True
    stashes = (f"--exclude=refs/{name}" for name in ("stash", "exps/stash", "exps/celery/*"))
    having = ("--all", "-m", "-1", "--format=%H", f"--find-object={content}", "--", path)
    try:
        return bool(git("log", *stashes, *having, where=root))
    except ResultError:  # git has no object of that name
        return False


def remember_composed(root: Path) -> None:
    """Note that the present params.yaml came out of a composition."""
    composed = root / _COMPOSED
    composed.parent.mkdir(parents=True, exist_ok=True)
    with composed.open("a", encoding="utf-8") as file:
        file.write(blob(root, PARAMS) + "\n")
