"""Run one stage the way dvc.yaml does: `python3 -m stages train_text`.

The project's Python takes over from any other, what decides the bits of a run is pinned, and what
the stage reads is noted, before any of its code is loaded. A stage whose dependencies changed
meanwhile fails, and so keeps nothing.
"""

from __future__ import annotations

import importlib
import sys
import time

from stages.common.output import StageError, fail
from stages.common.process import end_with_parent, start_again
from stages.common.processor import require_processor


def run(name: str) -> None:
    """Run the function `name` of the module `stages.<name>` under guard."""
    # Another Python than the project's could not import these.
    from stages.common import guard, seconds

    started = time.monotonic()
    stage = guard.declared(name)
    before = guard.take(stage)
    guard.clear(stage)
    getattr(importlib.import_module(f"stages.{name}"), name)()
    guard.require_same(name, before, guard.take(stage))
    seconds.note(name, time.monotonic() - started)


if __name__ == "__main__":
    end_with_parent()  # first, while the parent is there; starting again keeps it
    try:
        (requested,) = sys.argv[1:]
    except ValueError:
        sys.exit("usage: python -m stages STAGE")
    try:
        start_again()
        require_processor()
        run(requested)
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] in ("stages", "serving"):
            raise
        lacking = f"{error} for {sys.executable}"
        advice = "run `make venv`, or activate the environment that has it"
        fail(requested, StageError(f"{lacking}; {advice}"))
    except (StageError, OSError) as error:
        fail(requested, error)
