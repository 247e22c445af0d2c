"""The rows of a raw table that corrections are merged into, and the table with other rows.

Rows that are not touched keep their bytes: what was wrong with one still is, and is told.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.preparation.csv_table import CatalogueError, CsvTable
from stages.preparation.diagnosis import likely_cause


@dataclass(frozen=True)
class RawRow:
    """The values of the index and of the columns asked for, and the row's lines, from 0, of which
    `end` is the first that is not its own."""

    values: tuple[str, ...]
    start: int
    end: int


class RawTable:
    """A CSV table in UTF-8 with an index, held as its lines."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        """Raises CatalogueError: it is no table with these columns."""
        self._path = path
        try:
            text = path.read_bytes().decode("utf-8-sig")
            self._lines = list(io.StringIO(text, newline=""))
            table = CsvTable(iter(self._lines), columns)
            self.header = table.header
            self.rows = [RawRow(tuple(r.values), r.line - 1, table.lines) for r in table]
        except (OSError, UnicodeDecodeError, CatalogueError) as error:
            with path.open("rb") as file:
                raise CatalogueError(f"{path}: {likely_cause(file) or error}") from error
        self._end = "\r\n" if self._lines[0].endswith("\r\n") else "\n"

    def write(
        self, changed: Mapping[int, Mapping[str, str]], added: Iterable[Mapping[str, str]]
    ) -> None:
        """Write the table in its place: rows by their number with other values by column, and
        further rows, in which "" is the index."""
        lines = self._lines
        if not lines[-1].endswith(("\n", "\r")):
            lines[-1] += self._end
        for number in sorted(changed, reverse=True):
            row = self.rows[number]
            values = next(csv.reader(lines[row.start : row.end]))
            values += [""] * (len(self.header) - len(values))
            for name, value in changed[number].items():
                values[self.header.index(name)] = value
            lines[row.start : row.end] = [self._line(values)]
        names = self.header[1:]
        lines += [self._line([of[""], *(of.get(name, "") for name in names)]) for of in added]
        partial = self._path.with_name(f".{self._path.name}.partial")
        partial.write_text("".join(lines), encoding="utf-8", newline="")
        partial.replace(self._path)

    def _line(self, values: Sequence[str]) -> str:
        written = io.StringIO(newline="")
        csv.writer(written, lineterminator=self._end, quoting=csv.QUOTE_ALL).writerow(values)
        return written.getvalue()
