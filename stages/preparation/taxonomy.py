"""Which codes a labelled product may have, and what they are called."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from serving.listing.labels import Code, Label, Node, as_codes
from stages.common.settings import FileTaxonomy, LabelsTaxonomy
from stages.preparation.csv_table import CatalogueError, CsvTable

MOST_CHARACTERS = 200
"""Of a code: it stands in tables, plots and addresses."""

CODE = re.compile(rf"(?!\s)[^\x00-\x1f\x7f]{{1,{MOST_CHARACTERS}}}(?<!\s)")
"""What may be a code."""

CODE_COLUMN, NAME_COLUMN = "code", "label"
ENGLISH_COLUMN, PARENT_COLUMN = "label_en", "parent"
"""Columns of a table of codes; the last two may be missing."""

Names = Mapping[str, Label]
"""Of each code, as it is written."""


class _Row(NamedTuple):
    line: int
    code: str
    name: str
    english: str = ""
    parent: str = ""


def read_taxonomy(settings: FileTaxonomy | LabelsTaxonomy) -> Names | None:
    """The codes of the configured table with their names; None where any code will do.

    Raises CatalogueError naming the table and the first line that cannot be used.
    """
    if isinstance(settings, LabelsTaxonomy):
        return None
    try:
        with Path(settings.watched).open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
            file.seek(0)
            further = [name for name in (ENGLISH_COLUMN, PARENT_COLUMN) if name in header]
            columns = [CODE_COLUMN, NAME_COLUMN, *further]
            return _with_parents(list(_rows(CsvTable(file, columns, indexed=False), further)))
    except (OSError, UnicodeDecodeError, CatalogueError) as error:
        raise CatalogueError(f"taxonomy.path = {settings.path!r}: {error}") from error


def _rows(table: CsvTable, further: Sequence[str]) -> Iterator[_Row]:
    seen: set[str] = set()
    for row in table:
        code, name, *values = map(str.strip, row.values)
        own = dict(zip(further, values, strict=True))
        if row.fault:
            raise CatalogueError(f"line {row.line} {row.fault}")
        if not CODE.fullmatch(code):
            raise CatalogueError(
                f"line {row.line}: {code!r} is no code; expected 1 to {MOST_CHARACTERS} characters"
            )
        if code in seen:
            raise CatalogueError(f"line {row.line}: code {code!r} is there twice")
        seen.add(code)
        name = name or code
        english = own.get(ENGLISH_COLUMN) or name
        yield _Row(row.line, code, name, english, own.get(PARENT_COLUMN, ""))


def _with_parents(rows: Sequence[_Row]) -> Names:
    if not rows:
        raise CatalogueError("there is no row below the header")
    of_code = {row.code: row for row in rows}
    kept = written_as(of_code, None)

    def above(row: _Row) -> Iterator[Node]:
        """The most general first."""
        chain: list[_Row] = []
        place = row
        while place.parent:
            if place.parent not in of_code:
                raise CatalogueError(
                    f"line {place.line}: parent {place.parent!r} is no code of the table"
                )
            place = of_code[place.parent]
            if place is row or place in chain:
                raise CatalogueError(f"line {row.line}: {row.code!r} stands under itself")
            chain.append(place)
        return (Node(kept[of.code], of.name, of.english) for of in reversed(chain))

    return {row.code: Label(row.name, row.english, tuple(above(row))) for row in rows}


def written_as(codes: Iterable[str], names: Names | None) -> dict[str, Code]:
    """Each of the `codes` that there are, as it is kept: a number where all codes of the taxonomy,
    or without one all that there are, are whole numbers."""
    known = list(names) if names is not None else sorted(set(codes))
    return dict(zip(known, as_codes(known), strict=True))


def labels_of(codes: Iterable[Code], names: Names | None) -> dict[Code, Label]:
    """The codes that products have, in ascending order, with their names."""
    return {
        code: Label(str(code), str(code)) if names is None else names[str(code)]
        for code in sorted(set(codes))
    }
