"""Run one stage, as a schedule does: `python -m stages.commands.schedule.run_stage <stage>`.

It is `dvc repro --single-item` that waits while another DVC is at work in this folder.

Exit status: 0 the stage ran, or came from the run cache; 99 nothing had changed, so it did not;
else that of DVC.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from stages.commands.repository import ROOT

UNCHANGED = 99
_SKIPPED = "didn't change, skipping"
_BLOCKED = "is busy, it is being blocked by"
"""Words of DVC 3: of a stage that it passes over, of a path that another DVC reads or writes."""

_PAUSE = 5
"""Seconds until a blocked path is asked for again."""


def reproduce(stage: str, folder: Path) -> int:
    """Run it, with what DVC says on stdout; the exit status."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    while True:
        said = []
        with subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", stage],
            cwd=folder,
            env={**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                said.append(line)
        if process.returncode and any(_BLOCKED in line for line in said):
            time.sleep(_PAUSE)
            continue
        unchanged = not process.returncode and any(_SKIPPED in line for line in said)
        return UNCHANGED if unchanged else process.returncode


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m stages.commands.schedule.run_stage <stage>")
    sys.exit(reproduce(sys.argv[1], ROOT))
