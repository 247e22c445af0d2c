"""A catalogue in shards: runs of rows of its tables, each of which is read without the others.

A shard of a CSV table is a range of bytes, which one pass over the table finds; one of a Parquet
table is a range of rows. Both are read as text and held to the rules of a catalogue's tables.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stages.commands.batch.distributed.storage import filesystem
from stages.preparation.tables import (
    PRODUCT_COLUMNS,
    CatalogueError,
    product_chunks,
    require_good_rows,
)

CSV, PARQUET = ".csv", ".parquet"
_DECODED = 8192
"""Rows of a Parquet table that are decoded at once."""


@dataclass(frozen=True)
class Shard:
    """Rows of a table from `first` on, and the `name` of the file that gets their answers.

    `header`, `begin` and `end` are where, in bytes, the header of a CSV table ends, and where the
    rows lie; 0 for a Parquet table.
    """

    name: str
    table: str
    first: int
    rows: int
    header: int = 0
    begin: int = 0
    end: int = 0

    @property
    def place(self) -> str:
        """Table and row, for a person."""
        return f"{self.table} from row {self.first} on"


def shards(table: str, number: int, rows: int) -> Iterator[Shard]:
    """The table, `number` of its catalogue, in shards of `rows` rows; an empty one is one shard."""
    fs, path = filesystem(table)
    find = _parquet_runs if path.endswith(PARQUET) else _csv_runs
    first = 0
    for part, (count, *places) in enumerate(find(fs, path, rows)):
        yield Shard(f"part-{number:05}-{part:06}.parquet", table, first, count, *places)
        first += count


def _parquet_runs(fs: fsspec.AbstractFileSystem, path: str, rows: int) -> Iterator[tuple[int, ...]]:
    with fs.open(path, "rb") as file:
        total = pq.ParquetFile(file).metadata.num_rows
    for first in range(0, max(total, 1), rows):
        yield (min(rows, total - first),)


def _csv_runs(fs: fsspec.AbstractFileSystem, path: str, rows: int) -> Iterator[tuple[int, ...]]:
    """Count, and Shard's three places, of each run of `rows` rows.

    What separates rows and fields is ASCII, so the bytes are read as Latin-1: one a character.
    """
    csv.field_size_limit(sys.maxsize)
    at = 0

    def lines(text: io.TextIOBase) -> Iterator[str]:
        nonlocal at
        for line in text:
            at += len(line)
            yield line

    with fs.open(path, "r", encoding="latin-1", newline="") as text:
        reader = csv.reader(lines(text))
        next(reader, None)
        header = begin = at
        count = 0
        for row in reader:
            if len(row) > 1 or "".join(row).strip():  # pandas passes over a blank line
                count += 1
            if count == rows:
                yield count, header, begin, at
                begin, count = at, 0
        if count or begin == header:
            yield count, header, begin, at


def chunks(shard: Shard, size: int, also: tuple[str, ...]) -> Iterator[pd.DataFrame]:
    """The shard's products, `size` rows at a time, as `product_chunks` gives those of a table.

    Raises CatalogueError, also when they are not as many as when the table was divided.
    """
    read = _parquet_chunks if shard.table.endswith(PARQUET) else _csv_chunks
    found = 0
    for rows in read(shard, size, also):
        found += len(rows)
        yield rows
    if found != shard.rows:
        raise CatalogueError(
            f"{shard.place}: {found} rows where {shard.rows} were found at first; the table has "
            "changed, or a quotation mark in it opens a field that is never closed"
        )


def _csv_chunks(shard: Shard, size: int, also: tuple[str, ...]) -> Iterator[pd.DataFrame]:
    fs, path = filesystem(shard.table)
    places = ((0, shard.header), (shard.begin, shard.end))
    content = b"".join(
        fs.cat_file(path, start=start, end=end) for start, end in places if end > start
    )
    with NamedTemporaryFile(suffix=CSV) as file:
        file.write(content)
        file.flush()
        yield from product_chunks(Path(file.name), shard.place, size, also)


def _parquet_chunks(shard: Shard, size: int, also: tuple[str, ...]) -> Iterator[pd.DataFrame]:
    fs, path = filesystem(shard.table)
    wanted = ["id", *PRODUCT_COLUMNS, *also]
    with fs.open(path, "rb") as opened:
        file = pq.ParquetFile(opened)
        if missing := [name for name in wanted if name not in file.schema_arrow.names]:
            found = ", ".join(file.schema_arrow.names)
            raise CatalogueError(
                f"{shard.table}: column {', '.join(missing)} is missing; found {found}"
            )
        table = pa.Table.from_batches(
            list(_rows(file, shard, wanted)),
            pa.schema([file.schema_arrow.field(n) for n in wanted]),
        )
    for start in range(0, len(table), size):
        rows = pd.DataFrame(
            {name: _texts(table[name].slice(start, size), shard, name) for name in wanted},
            dtype="str",
        )
        yield require_good_rows(rows, shard.place)


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


def _texts(column: pa.ChunkedArray, shard: Shard, name: str) -> list[str]:
    """What a CSV table would hold: whole numbers in digits, "" where there is nothing."""
    try:
        return pc.fill_null(column.cast(pa.string()), "").to_pylist()
    except pa.ArrowException as error:
        raise CatalogueError(
            f"{shard.table}: column {name} is {column.type}; expected texts or whole numbers"
        ) from error
