"""What the last run measured, in a form that fits a terminal: `make metrics [BASE=<revision>]`.

`dvc metrics show` and `diff` print a column for each figure, several hundred characters wide. Here
each figure has a line, below the file it is in; with BASE it is beside that revision's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dvc.exceptions import DvcException
from dvc.repo import Repo

from stages.commands.repository import ROOT

WIDTH = 80
"""Columns of a terminal."""

_NAME, _FIGURE = 44, 12
"""Columns of a name, at most, and of a figure."""

Figures = Mapping[str, Mapping[str, float]]
"""Figures by file and by dotted name."""


def read(revisions: Sequence[str]) -> dict[str, Figures]:
    """The figures of each of `revisions`, and of the workspace, which comes last.

    Raises DvcException when a revision is not known.
    """
    with Repo(str(ROOT)) as repo:
        found = {name: repo.metrics.show(revs=[name])[name] for name in revisions}
        found["workspace"] = repo.metrics.show()[""]
    return {
        name: {
            file: dict(_flat(stored["data"]))
            for file, stored in of.get("data", {}).items()
            if "data" in stored
        }
        for name, of in found.items()
    }


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield before + name, value


def table(found: Mapping[str, Figures]) -> str:
    """A line for each figure of any revision, and how the last differs from the one before it."""
    columns = list(found)
    compared = len(columns) > 1
    shown = min(_NAME, WIDTH - _FIGURE * (len(columns) + compared))
    heads = [name[: _FIGURE - 2] for name in columns] + ["change"] * compared
    files = dict.fromkeys(file for of in found.values() for file in of)
    lines = []
    for file in files:
        lines.append(f"{file:<{shown}}" + "".join(f"{head:>{_FIGURE}}" for head in heads))
        for name in dict.fromkeys(name for of in found.values() for name in of.get(file, {})):
            values = [of.get(file, {}).get(name) for of in found.values()]
            cells = [_cell(value) for value in values]
            if compared:
                cells.append(_change(*values[-2:]))
            told = name if len(name) <= shown - 3 else name[: shown - 4] + "…"
            line = f"  {told:<{shown - 2}}" + "".join(f"{each:>{_FIGURE}}" for each in cells)
            lines.append(line.rstrip())
        lines.append("")
    return "\n".join(lines[:-1])


def _cell(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _change(before: float | None, now: float | None) -> str:
    if before is None or now is None or before == now:
        return ""
    whole = isinstance(before, int) and isinstance(now, int)
    return f"{now - before:+,}" if whole else f"{now - before:+.4f}"


def main(revisions: Sequence[str]) -> int:
    """Print the table; the exit status."""
    try:
        found = read(revisions)
    except DvcException as error:
        print(f"metrics: {error}", file=sys.stderr)
        return 1
    if not any(found.values()):
        print("metrics: there are none yet; run `make repro`", file=sys.stderr)
        return 1
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
