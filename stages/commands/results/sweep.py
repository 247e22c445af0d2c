"""Queue experiments over options, run them side by side, and show what they reached."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from stages.commands.exit_codes import CommandError
from stages.commands.repository import ROOT, dvc
from stages.commands.results import experiment_list

_DEFAULT = "-S data.products=800 -S train.epochs=2 -S text=ngrams,lstm -S image=cnn,none"


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
    before = _failed()
    for words in (
        ("--queue", *(given or shlex.split(_DEFAULT))),
        ("--run-all", "--jobs", str(workers)),
    ):
        if dvc("exp", "run", *words, where=ROOT, shown=True).returncode:
            raise CommandError(f"`dvc exp run {shlex.join(words)}` failed")
    rows = experiment_list.read()
    print(*experiment_list.lines(rows), sep="\n")
    # DVC runs the others of a queue to their end, and says nothing of it in its exit code.
    if failed := _failed(rows) - before:
        names = " ".join(sorted(failed))
        raise CommandError(f"{names} failed; the reason: dvc queue logs NAME")


def _failed(rows: list[experiment_list.Experiment] | None = None) -> set[str]:
    rows = experiment_list.read() if rows is None else rows
    return {row.name for row in rows if row.state == "failed"}
