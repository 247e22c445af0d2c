"""A catalogue in shards: runs of rows of its tables, each of which is read without the others.

A shard of a CSV table is a range of bytes, which one pass over the table finds; one of a Parquet
table is a range of rows. Both are read as text and held to the rules of a catalogue's tables.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from stages.commands.batch.distributed.storage import filesystem
from stages.common.paths import PRODUCT_COLUMNS
from stages.preparation.arrow_texts import texts
from stages.preparation.csv_table import CatalogueError, CsvTable, Row
from stages.preparation.diagnosis import likely_cause
from stages.preparation.repeats import Indices
from stages.preparation.tables import (
    IDENTIFIERS,
    leading_zeros,
    product_chunks,
    require_good_rows,
)

CSV, PARQUET = ".csv", ".parquet"
_DECODED = 8192
"""Rows that are looked at at once."""


@dataclass(frozen=True)
class Shard:
    """Rows of a table from `first` on, and the `name` of the file that gets their answers.

    `header`, `begin` and `end` are where, in bytes, the header of a CSV table ends, and where the
    rows lie; `line` counts the lines before these. All are 0 for a Parquet table.
    """

    name: str
    table: str
    first: int
    rows: int
    header: int = 0
    begin: int = 0
    end: int = 0
    line: int = 0


class Divided(NamedTuple):
    """The shards of a table, and its columns of identifiers of which one begins with a zero."""

    shards: list[Shard]
    zeros: list[str]


def divide(table: str, number: int, rows: int, also: tuple[str, ...] = ()) -> Divided:
    """The table, `number` of its catalogue, in shards of `rows` rows; an empty one is one shard.

    Raises CatalogueError: a column is missing or there twice, an index occurs twice, or a quotation
    mark of a CSV table stays open.
    """
    fs, path = filesystem(table)
    with fs.open(path, "rb") as file:
        find = _parquet_runs if path.endswith(PARQUET) else _csv_runs
        runs, zeros = find(file, table, rows, ["id", *PRODUCT_COLUMNS, *also])
    shards = []
    first = 0
    for part, (count, *places) in enumerate(runs):
        name = f"part-{number:05}-{part:06}.parquet"
        shards.append(Shard(name, table, first, count, *places))
        first += count
    return Divided(shards, zeros)


Runs = list[tuple[int, ...]]
"""Of each run of rows its length and, of a CSV table, Shard's four places."""


def _parquet_runs(
    file: BinaryIO, table: str, rows: int, columns: list[str]
) -> tuple[Runs, list[str]]:
    opened = pq.ParquetFile(file)
    if missing := [name for name in columns if name not in opened.schema_arrow.names]:
        columns_there = ", ".join(opened.schema_arrow.names)
        raise CatalogueError(
            f"{table}: column {', '.join(missing)} is missing; found {columns_there}"
        )
    if doubled := [name for name in columns if opened.schema_arrow.names.count(name) > 1]:
        raise CatalogueError(f"{table}: column {', '.join(doubled)} is there twice")
    indices, zeros = Indices(), dict.fromkeys(IDENTIFIERS, False)

    def identifiers(name: str) -> Iterator[pd.Series]:
        first = 0
        for batch in opened.iter_batches(_DECODED, columns=[name]):
            index = pd.RangeIndex(first, first + len(batch), name="row")
            yield pd.Series(texts(batch[name], table, name), index)
            first += len(batch)

    for name in IDENTIFIERS:
        for values in identifiers(name):
            zeros[name] |= leading_zeros(values)
            if name == "id":
                indices.add(values)
    indices.require_unique(identifiers("id"), table)
    total = len(indices)
    runs: Runs = [(min(rows, total - first),) for first in range(0, max(total, 1), rows)]
    return runs, [name for name, zero in zeros.items() if zero]


def _csv_runs(file: BinaryIO, table: str, rows: int, columns: list[str]) -> tuple[Runs, list[str]]:
    """What separates rows and fields is ASCII, so bytes are read as Latin-1: one a character."""
    text = io.TextIOWrapper(file, encoding="latin-1", newline="")
    at = 0

    def lines() -> Iterator[str]:
        nonlocal at
        at = text.seek(0)
        for line in text:
            at += len(line)
            yield line

    def ids() -> Iterator[pd.Series]:
        rows = iter(CsvTable(lines(), columns[1:]))
        while part := list(islice(rows, _DECODED)):
            places = pd.Index([row.line for row in part], name="line")
            yield pd.Series([row.values[0] for row in part], places)

    indices, zeros = Indices(), dict.fromkeys(IDENTIFIERS, False)
    places = [columns.index(name) for name in IDENTIFIERS]

    def look(part: list[Row]) -> None:
        indices.add(row.values[0] for row in part)
        for name, place in zip(IDENTIFIERS, places, strict=True):
            zeros[name] |= leading_zeros(row.values[place] for row in part)

    runs: Runs = []
    try:
        read = CsvTable(lines(), columns[1:])
        header = begin = at
        line = read.lines
        part: list[Row] = []
        for row in read:
            part.append(row)
            if len(part) == rows:
                look(part)
                runs.append((len(part), header, begin, at, line))
                begin, line, part = at, read.lines, []
        if part or not runs:
            look(part)
            runs.append((len(part), header, begin, at, line))
        indices.require_unique(ids(), table)
    except CatalogueError as error:
        words = str(error).removeprefix(f"{table}: ")
        raise CatalogueError(f"{table}: {likely_cause(file) or words}") from error
    finally:
        text.detach()
    return runs, [name for name, zero in zeros.items() if zero]


def chunks(shard: Shard, size: int, also: tuple[str, ...]) -> Iterator[pd.DataFrame]:
    """The shard's products, `size` rows at a time, as `product_chunks` gives those of a table.

    Raises CatalogueError, also when they are not as many as when the table was divided.
    """
    read = _parquet_chunks if shard.table.endswith(PARQUET) else _csv_chunks
    count = 0
    for rows in read(shard, size, also):
        count += len(rows)
        yield rows
    if count != shard.rows:
        raise CatalogueError(
            f"{shard.table} from row {shard.first} on: {count} rows where {shard.rows} were found "
            "at first; the table has changed"
        )


def _csv_chunks(shard: Shard, size: int, also: tuple[str, ...]) -> Iterator[pd.DataFrame]:
    fs, path = filesystem(shard.table)
    places = ((0, shard.header), (shard.begin, shard.end))
    content = b"".join(
        fs.cat_file(path, start=start, end=end) for start, end in places if end > start
    )
    return product_chunks(io.BytesIO(content), shard.table, size, also, shard.line)


def _parquet_chunks(shard: Shard, size: int, also: tuple[str, ...]) -> Iterator[pd.DataFrame]:
    fs, path = filesystem(shard.table)
    wanted = ["id", *PRODUCT_COLUMNS, *also]
    with fs.open(path, "rb") as opened:
        file = pq.ParquetFile(opened)
        table = pa.Table.from_batches(
            list(_rows(file, shard, wanted)),
            pa.schema([file.schema_arrow.field(n) for n in wanted]),
        )
    for start in range(0, len(table), size):
        part = table.slice(start, size)
        first = shard.first + start
        rows = pd.DataFrame(
            {name: texts(part[name], shard.table, name) for name in wanted},
            pd.RangeIndex(first, first + len(part), name="row"),
            dtype="str",
        ).assign(fault="")
        yield require_good_rows(rows, shard.table)


def _rows(file: pq.ParquetFile, shard: Shard, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """The shard's rows, out of the groups of rows that hold them."""
    last = shard.first + shard.rows
    begin, groups = 0, []
    start = None
    for group in range(file.metadata.num_row_groups):
        end = begin + file.metadata.row_group(group).num_rows
        if begin < last and end > shard.first:
            groups.append(group)
            start = begin if start is None else start
        begin = end
    at = start or 0
    for batch in file.iter_batches(_DECODED, row_groups=groups, columns=columns):
        low, high = max(shard.first - at, 0), min(last - at, len(batch))
        if low < high:
            yield batch.slice(low, high - low)
        at += len(batch)
        if at >= last:
            return
