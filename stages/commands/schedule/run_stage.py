"""Run one stage, as a schedule does: `dvc repro --single-item` that waits for another DVC.

Exit code: 0 the stage ran, or came from the run cache; 99 nothing had changed, so it did not; 1 it
failed.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from dvc import logger
from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo

from stages.commands.exit_codes import CommandError, ExitCode
from stages.commands.repository import ROOT

_PAUSE = 5
"""Seconds until a path that another DVC reads or writes is asked for again."""


def reproduce(stage: str, folder: Path) -> bool:
    """Whether the stage of `folder`, the working one, ran. Raises CommandError with the reasons."""
    while True:
        try:
            with Repo(str(folder), _wait_for_lock=True) as repo:
                return bool(repo.reproduce(stage, single_item=True))
        except DvcException as error:
            reasons = list(_causes(error))
            if not any(isinstance(reason, LockError) for reason in reasons):
                raise CommandError(": ".join(map(str, reasons))) from error
            print(reasons[-1], flush=True)
            time.sleep(_PAUSE)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what caused it, and so on."""
    while error is not None:
        yield error
        error = error.__cause__


def run_stage(stage: Annotated[str, typer.Argument(help="As DVC names it.")]) -> None:
    """Run one stage unless nothing has changed, waiting for another DVC."""
    logger.setup(logging.INFO)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    os.chdir(ROOT)
    if not reproduce(stage, ROOT):
        raise typer.Exit(ExitCode.SKIPPED)
