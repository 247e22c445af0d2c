"""Run one stage the way dvc.yaml does: `python -m stages train_text`.

What decides the bits of a run is pinned, and what the stage reads is noted, before any of its code
is loaded. A stage whose dependencies changed meanwhile fails, and so keeps nothing.
"""

from __future__ import annotations

import importlib
import sys

from stages.common import guard as guarding
from stages.common.determinism import pin
from stages.common.output import StageError, fail


def run(name: str) -> None:
    """Run the function `name` of the module `stages.<name>` under guard."""
    stage = guarding.declared(name)
    before = guarding.take(stage)
    guarding.clear(stage)
    getattr(importlib.import_module(f"stages.{name}"), name)()
    guarding.require_same(name, before, guarding.take(stage))


if __name__ == "__main__":
    guarding.end_with_parent()  # first, while the parent is there; starting again keeps it
    pin()
    try:
        (requested,) = sys.argv[1:]
    except ValueError:
        sys.exit("usage: python -m stages STAGE")
    try:
        run(requested)
    except (StageError, OSError) as error:
        fail(requested, error)
