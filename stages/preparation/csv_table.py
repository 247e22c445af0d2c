"""A CSV table, row by row: the line each begins in, its values, and what its form lacks.

Programs write quotation marks in many ways, and all that give one product a row are read. What is
refused is a mark that stays open and takes the following products in: they would be gone.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from stages.common.output import StageError

csv.field_size_limit(sys.maxsize)

_END = "\0the end of the table"
"""A line after the last one: who holds it in a field has not closed that field."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_NUMBERS = ("productid", "imageid", "prdtypecode")
"""Columns that hold whole numbers, as the index does: by these a line is known for a row."""


class CatalogueError(StageError):
    """A raw file that cannot be worked with."""


class Row(NamedTuple):
    """A row: the line it begins in, the header being in line 1, the values of the index and of the
    columns asked for, and a fault in their number ("has 4 values of 5", "is empty"), else ""."""

    line: int
    values: list[str]
    fault: str


class CsvTable:
    """The rows of a table that has `columns` and, where it is `indexed`, an index, which is then
    its first column, and the first value of every row."""

    def __init__(
        self,
        lines: Iterable[str],
        columns: Sequence[str],
        start: int = 0,
        *,
        separator: str = ",",
        indexed: bool = True,
    ) -> None:
        """`lines` keep their ends, and are split at those of files alone. Where they are a header
        and rows from further down, `start` is the number of lines before these.

        Raises CatalogueError: a column is missing or there twice, or there is no index.
        """
        self._record: list[str] = []
        self._separator = separator
        self._reader = csv.reader(self._watched(lines), delimiter=separator)
        header = next(row for row in self._reader if any(map(str.strip, row)))
        if header == [_END]:
            raise CatalogueError("no table in CSV: the file is empty")
        if missing := [column for column in columns if column not in header]:
            raise CatalogueError(
                f"column {', '.join(missing)} is missing; found {', '.join(header)}"
            )
        if doubled := [column for column in columns if header.count(column) > 1]:
            raise CatalogueError(
                f"column {', '.join(doubled)} is there twice; found {', '.join(header)}"
            )
        if indexed and header[0] in columns:
            raise CatalogueError(
                f"expected an index column before {', '.join(columns)}; found {', '.join(header)}"
            )
        self._width = len(header)
        self.header = header
        self._places = [*([0] if indexed else []), *map(header.index, columns)]
        self._known = indexed
        self._numbers = [0, *(header.index(name) for name in columns if name in _NUMBERS)]
        if not indexed:
            self._numbers = list(range(self._width))
        self._looked_at = 0
        self._shift = start - self._reader.line_num if start else 0
        self._record.clear()

    @property
    def lines(self) -> int:
        """Lines of the file up to the end of the row that was read last."""
        return self._reader.line_num + self._shift

    def __iter__(self) -> Iterator[Row]:
        """The rows that are not blank. Raises CatalogueError: a quotation mark stays open."""
        for values in self._reader:
            record = self._record.copy()
            self._record.clear()
            if values == [_END]:
                return
            first = self.lines - len(record) + 1
            if len(record) > 1:
                self._refuse_open_quote(first, record, values)
            if len(values) > 1 or "".join(values).strip():
                self._learn(values)
                yield Row(first, self._wanted(values), self._fault(values))

    def _watched(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            self._record.append(line)
            yield line
        self._record.append(_END)
        yield _END

    def _learn(self, values: list[str]) -> None:
        """Columns in which all rows so far hold whole numbers, where nobody says which these are:
        by these a line is known for a row."""
        if not self._known and len(values) == self._width:
            self._numbers = [place for place in self._numbers if _is_number(values[place])]
            self._looked_at += 1

    def _wanted(self, values: list[str]) -> list[str]:
        return [values[place] if place < len(values) else "" for place in self._places]

    def _fault(self, values: list[str]) -> str:
        if not any(map(str.strip, values)):
            return "is empty"
        count = len(values)
        if count == self._width:
            return ""
        return f"has {count} value{'s' if count > 1 else ''} of {self._width}"

    def _refuse_open_quote(self, first: int, record: list[str], values: list[str]) -> None:
        """Raise CatalogueError for a field that a row of several lines should have closed.

        Such a field begins with the rest of a row that is whole without the quotation mark, and
        further rows follow in it, or the row then has another number of values.
        """
        line = first
        for number, value in enumerate(values):
            parts = _LINE_END.split(value)
            if value.endswith(_END):
                raise _open_quote(line, "is never closed")
            if len(parts) > 1 and self._whole(values[:number] + parts[0].split(self._separator)):
                following = record[line - first + 1 :]
                if len(values) != self._width or any(
                    self._whole(next(csv.reader([text], delimiter=self._separator)))
                    for text in following
                    if text.strip()
                ):
                    raise _open_quote(line, "takes in what looks like further rows")
            line += len(parts) - 1

    def _whole(self, values: list[str]) -> bool:
        """Whether these are the values of a row, as far as numbers tell."""
        told = self._known or (self._looked_at and self._numbers)
        return bool(told) and len(values) == self._width and self._numbered(values)

    def _numbered(self, values: list[str]) -> bool:
        return all(_is_number(values[place]) for place in self._numbers)


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit()


def _open_quote(line: int, words: str) -> CatalogueError:
    return CatalogueError(
        f"line {line}: a quotation mark opens a field there that {words}; close it, or write it "
        'twice within quotation marks ("") where it belongs to the text'
    )
