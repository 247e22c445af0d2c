"""Refuses to compose params.yaml over values that only that file holds.

A composition writes params.yaml anew. What git has, in a commit or in an experiment, or what an
earlier composition wrote, can be had again; anything else was typed by a person and would be lost.
Loaded before every composition: `dvc exp run -S`, `make params`.
"""

import atexit
import subprocess
from pathlib import Path

from dvc.exceptions import DvcException

_ROOT = Path(__file__).resolve().parents[2]
_PARAMS = _ROOT / "params.yaml"
_COMPOSED = _ROOT / ".dvc" / "tmp" / "composed-params"


def _git(*words: str) -> str:
    done = subprocess.run(  # noqa: S603
        ["git", *words],  # noqa: S607
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def _blob() -> str:
    """Git's name for the content of params.yaml; empty when there is no file or no git."""
    return _git("hash-object", str(_PARAMS)) if _PARAMS.is_file() else ""


def _known(blob: str) -> bool:
    if _COMPOSED.is_file() and blob in _COMPOSED.read_text(encoding="utf-8").split():
        return True
    stashes = (f"--exclude=refs/{name}" for name in ("stash", "exps/stash", "exps/celery/*"))
    found = ("--all", "-1", "--format=%H", f"--find-object={blob}", "--", "params.yaml")
    return bool(_git("log", *stashes, *found))


def remember() -> None:
    """Note that the present params.yaml came out of a composition."""
    _COMPOSED.parent.mkdir(parents=True, exist_ok=True)
    with _COMPOSED.open("a", encoding="utf-8") as file:
        file.write(_blob() + "\n")


def _remember_if_composed(before: str) -> None:
    if _blob() != before:
        remember()


def _refuse() -> None:
    before = _blob()
    if before and not _known(before):
        changed = _git("diff", "--unified=0", "HEAD", "--", "params.yaml").splitlines()
        lines = [line for line in changed if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        raise DvcException(
            "params.yaml was edited by hand, and composing it from conf/ would lose this:\n"
            + "\n".join(f"    {line}" for line in lines)
            + "\nFor one run, say it instead: dvc exp run -S section.key=value. For good, write it "
            "into conf/ and run `make params`.\nEither way, first drop it here: "
            "git checkout params.yaml"
        )
    if before:
        atexit.register(_remember_if_composed, before)


_refuse()
