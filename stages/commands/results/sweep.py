"""Queue experiments over options, run them side by side, and show what they reached."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated

import typer
from dvc.repo import Repo

from stages.commands.exit_codes import CommandError
from stages.commands.repository import ROOT, dvc, dvc_refusals
from stages.commands.results import experiment_list

_DEFAULT = "-S data.products=800 -S train.epochs=2 -S text=ngrams,lstm -S image=cnn,none"

_LOG_LINES = 20
"""Of a failed run's log, from its end, as it says there why it failed."""


def sweep(
    overrides: Annotated[
        list[str] | None, typer.Option("-S", metavar="KEY=VALUE", help="As in `dvc exp run`.")
    ] = None,
    options: Annotated[
        str, typer.Option(envvar="SWEEP", help="Options of `dvc exp run`, as a shell has them.")
    ] = "",
    workers: Annotated[
        int, typer.Option(envvar="WORKERS", min=1, help="How many run at once.")
    ] = 2,
) -> None:
    """Run a sweep and print all experiments; ends with 1 when one of it failed."""
    given = [word for value in overrides or () for word in ("-S", value)] + shlex.split(options)
    failed_before = _failed_tasks()
    for words in (
        ("--queue", *(given or shlex.split(_DEFAULT))),
        ("--run-all", "--jobs", str(workers)),
    ):
        if dvc("exp", "run", *words, where=ROOT, shown=True).returncode:
            raise CommandError(f"`dvc exp run {shlex.join(words)}` failed")
    print(*experiment_list.lines(experiment_list.read()), sep="\n")
    # DVC runs the others of a queue to their end, and says nothing of it in its exit code.
    failed = {task: name for task, name in _failed_tasks().items() if task not in failed_before}
    for task, name in failed.items():
        log = dvc("queue", "logs", task, where=ROOT)
        tail = (log.stdout or log.stderr).splitlines()[-_LOG_LINES:]
        print("", f"{name}, the end of its log:", *tail, sep="\n", file=sys.stderr)
    if failed:
        names = " ".join(sorted(failed.values()))
        raise CommandError(f"{names} failed; the whole log: dvc queue logs NAME")


def _failed_tasks() -> dict[str, str]:
    """Failed tasks of DVC's queue: their names by their ids, as a name may be given again."""
    with dvc_refusals(), Repo(str(ROOT)) as repo:
        return {
            task["rev"]: task["name"] or task["rev"][:7]
            for task in repo.experiments.celery_queue.status()
            if task["status"] == "Failed"
        }
