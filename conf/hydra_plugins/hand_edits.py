"""Refuses to compose params.yaml over values that only that file holds.

A composition writes params.yaml anew. What git has, in a commit or in an experiment, or what an
earlier composition wrote, can be had again; anything else was typed by a person and would be lost.
Loaded before every composition: `dvc exp run -S`, `make params`.
"""

import atexit
import sys
from pathlib import Path

from dvc.exceptions import DvcException

_ROOT = Path(__file__).resolve().parents[2]

sys.path.insert(0, str(_ROOT))
try:
    from stages.commands.repository import ResultError, git
    from stages.commands.results.git_content import PARAMS, blob, is_kept, remember_composed
finally:
    sys.path.remove(str(_ROOT))


def _remember_if_composed(before: str) -> None:
    if blob(_ROOT, PARAMS) != before:
        remember_composed(_ROOT)


def _changed_lines() -> list[str]:
    try:
        lines = git("diff", "--unified=0", "HEAD", "--", PARAMS, where=_ROOT).splitlines()
    except ResultError:  # nothing is committed yet
        return []
    return [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def _refuse() -> None:
    try:
        before = blob(_ROOT, PARAMS)
    except ResultError:  # no repository of git
        return
    if before and not is_kept(_ROOT, PARAMS, before):
        raise DvcException(
            "params.yaml was edited by hand, and composing it from conf/ would lose this:\n"
            + "\n".join(f"    {line}" for line in _changed_lines())
            + "\nFor one run, say it instead: dvc exp run -S section.key=value. For good, write it "
            "into conf/ and run `make params`.\nEither way, first put it aside: `make defaults`"
        )
    if before:
        atexit.register(_remember_if_composed, before)


_refuse()
