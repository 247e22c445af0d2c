"""How the process of a stage starts and ends: with the project's Python, pinned; with its parent.

`.venv/bin/dvc repro`, typed without activating .venv, runs stages with whatever `python3` the PATH
has. That Python loads this module, `determinism`, `output`, `processor` and `stages.__main__`
before it gives way to the project's own: they need the standard library and Python 3.8, and no
more.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from multiprocessing import parent_process
from pathlib import Path

from stages.common.determinism import ENVIRONMENT

_ROOT = Path(__file__).resolve().parents[2]
_PR_SET_PDEATHSIG = 1  # prctl(2)


def project_python() -> Path | None:
    """The Python in .venv; None where there is none.

    An experiment in a copy below .dvc/tmp/exps uses that of the repository it was copied from.
    """
    repositories = [folder for folder in (_ROOT, *_ROOT.parents) if (folder / ".dvc").is_dir()]
    pythons = (folder / ".venv" / "bin" / "python" for folder in repositories)
    return next((python for python in pythons if python.is_file()), None)


def start_again() -> None:
    """Start this process again with the project's Python and ENVIRONMENT, unless that is how it was
    started. Without a .venv, the Python that runs is taken for the project's."""
    running = Path(sys.executable)
    python = project_python()
    if python is None or python.parent.samefile(running.parent):
        python = running
    if python != running or not ENVIRONMENT.items() <= os.environ.items():
        os.environ.update(ENVIRONMENT)
        # All that follows the interpreter's name stays, its own options included (Python 3.10).
        command = getattr(sys, "orig_argv", [running, "-m", "stages", *sys.argv[1:]])
        os.execv(python, [python, *command[1:]])  # noqa: S606


def end_with_parent() -> None:
    """Have this process killed when its parent is (Linux; prctl(2)).

    A killed `dvc repro` would otherwise leave its stage behind, writing into the outputs of the
    next run, and a killed stage its worker processes, waiting for good. A worker whose parent was
    gone before it asked ends here.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = parent_process()
    if parent is not None and parent.pid != os.getppid():
        os._exit(1)
