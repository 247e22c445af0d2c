"""How long a stage took, noted beside the pipeline: seconds belong to the machine, not to a result.

A stage that DVC restores from its cache does not run, so it notes nothing.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path

NOTES = Path("tracking/seconds")
WORKSPACE = "workspace"
"""Name of a run that is no experiment."""


def note(stage: str, seconds: float) -> None:
    """Keep the seconds of `stage` until its run is put on record.

    DVC tells in DVC_ROOT the repository for which a copy of it runs an experiment, and in
    DVC_EXP_NAME its name. A note that cannot be written is no reason to lose the stage's work.
    """
    root = Path(os.environ.get("DVC_ROOT", "."))
    path = root / NOTES / os.environ.get("DVC_EXP_NAME", WORKSPACE) / f"{stage}.json"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(round(seconds, 3)), encoding="utf-8")


def noted(run: str) -> dict[str, float]:
    """Seconds of the stages that ran in `run`, by stage; those that were cut off are left out."""
    seconds = {}
    for path in sorted((NOTES / run).glob("*.json")):
        text = path.read_text(encoding="utf-8")
        if re.fullmatch(r"\d+\.\d+", text):
            seconds[path.stem] = float(text)
    return seconds
