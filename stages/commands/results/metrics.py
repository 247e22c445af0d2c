"""What the last run measured, a line for each figure, beside other revisions.

`dvc metrics show` and `diff` print a column for each figure, several hundred characters wide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from dvc.repo import Repo

from stages.commands.console import table_lines
from stages.commands.exit_codes import CommandError
from stages.commands.repository import ROOT, dvc_refusals
from stages.common.flatten import flatten
from stages.common.markdown import figure

WIDTH = 80
"""Columns of a terminal."""

_NAME, _FIGURE = 44, 12
"""Columns of a name, and of a figure with the gap before it, at most."""

Figures = Mapping[str, Mapping[str, float]]
"""Figures by file and by dotted name."""


def read(revisions: Sequence[str]) -> dict[str, Figures]:
    """The figures of each of `revisions`, and of the workspace, which comes last.

    Raises CommandError when a revision is not known.
    """
    with dvc_refusals(), Repo(str(ROOT)) as repo:
        shown = {name: repo.metrics.show(revs=[name])[name] for name in revisions}
        shown["workspace"] = repo.metrics.show()[""]
    return {
        name: {
            file: {key: value for key, value in flatten(stored["data"]).items() if _counts(value)}
            for file, stored in metrics.get("data", {}).items()
            if "data" in stored
        }
        for name, metrics in shown.items()
    }


def _counts(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def lines(figures: Mapping[str, Figures]) -> list[str]:
    """A line for each figure of any revision, and how the last differs from the one before it."""
    compared = len(figures) > 1
    room = min(_NAME, WIDTH - _FIGURE * (len(figures) + compared))
    heads = [name[: _FIGURE - 2] for name in figures] + ["change"] * compared
    rows: list[list[str]] = []
    for file in dict.fromkeys(file for files in figures.values() for file in files):
        of_file = [files.get(file, {}) for files in figures.values()]
        rows += [[""] * (1 + len(heads))] * bool(rows) + [[file, *heads]]
        for name in dict.fromkeys(name for metrics in of_file for name in metrics):
            values = [metrics.get(name) for metrics in of_file]
            cells = [
                *(figure(value, 4) for value in values),
                *([_change(*values[-2:])] if compared else []),
            ]
            shown = name if len(name) <= room - 3 else name[: room - 4] + "…"
            rows.append([f"  {shown}", *cells])
    return table_lines(rows, figures=True)


def _change(before: float | None, now: float | None) -> str:
    if before is None or now is None or before == now:
        return ""
    whole = isinstance(before, int) and isinstance(now, int)
    return f"{now - before:+,}" if whole else f"{now - before:+.4f}"


def metrics(
    base: Annotated[
        list[str] | None, typer.Argument(envvar="BASE", help="Revisions to show beside this one.")
    ] = None,
) -> None:
    """Print every figure of the metrics, beside those of other revisions."""
    figures = read(base or [])
    if not any(figures.values()):
        raise CommandError("there are none yet; run `make repro`")
    print(*lines(figures), sep="\n")
