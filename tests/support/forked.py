"""A module run as a program in a process of its own, forked from one that has loaded MLflow: that
takes longer than most of what is tested of it."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["mlflow", "mlflow.pyfunc", "mlflow.artifacts", "dvc_data.hashfile.tree", "matplotlib.figure"]
)


class Forked:
    """`python -m module` in `folder` with the environment `given`; what it prints is kept."""

    def __init__(self, module: str, *arguments: str, folder: Path, given: dict[str, str]) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when MLflow is loaded
        self._printed = tuple(folder.parent / f"{folder.name}.{name}" for name in ("out", "err"))
        self._command = [module, *arguments]
        target = (module, arguments, folder, given, self._printed)
        self.process: ForkServerProcess = _CONTEXT.Process(target=_run, args=target)
        self.process.start()

    def wait(self, at_most: float) -> subprocess.CompletedProcess[str]:
        """Once it has ended."""
        self.process.join(at_most)
        assert self.process.exitcode is not None, f"{self._command} is still running"
        out, err = (path.read_text(encoding="utf-8") for path in self._printed)
        return subprocess.CompletedProcess(self._command, self.process.exitcode, out, err)


def _run(
    module: str,
    arguments: tuple[str, ...],
    folder: Path,
    given: dict[str, str],
    printed: tuple[Path, ...],
) -> None:
    """In the forked process: become that program."""
    for number, path in enumerate(printed, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(given)
    loaded = [name for name in sys.modules if name.partition(".")[0] in ("stages", "serving")]
    assert not loaded, loaded  # those of `folder` are meant
    sys.path.insert(0, str(folder))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
