"""Tables as plain lines of whole width: no cell is cut, long lines are the terminal's to wrap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

_WIDE = 10_000
"""Characters; wider than any line."""


def table_lines(
    rows: Iterable[Sequence[str]], columns: Sequence[str] = (), *, figures: bool = False
) -> list[str]:
    """`rows` under `columns`, aligned; with `figures` all but the first column to the right."""
    table = Table(box=None, pad_edge=False, show_header=bool(columns))
    rows = list(rows)
    for number, title in enumerate(columns or rows[0]):
        table.add_column(title, justify="right" if figures and number else "left")
    for row in rows:
        table.add_row(*row)
    console = Console(width=_WIDE, markup=False, highlight=False, color_system=None)
    with console.capture() as printed:
        console.print(table)
    return [line.rstrip() for line in printed.get().splitlines()]


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print `rows` under `columns`."""
    print(*table_lines(rows, columns), sep="\n")
