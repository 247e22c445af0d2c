"""Read columns of a table as texts: CSV, Parquet or JSON lines, as it is or in .gz or .zip."""

from __future__ import annotations

import gzip
import io
import json
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from stages.common.settings import SEPARATORS, TABLE_KINDS, Encoding, Separator, table_kind
from stages.preparation.arrow_texts import texts
from stages.preparation.csv_table import CatalogueError, CsvTable
from stages.preparation.diagnosis import other_kind, wide_encoding
from stages.sources.transfer import SourceError

MAX_BYTES = 4 * 2**30
"""Largest table, in bytes, once it is unpacked."""

_BLOCK = 2**20
_LOOKED_AT = 100
"""Lines of JSON by which columns are known."""
_SHOWN = 20
"""Columns that are named where one is missing."""

_AGREEING: dict[str, set[Encoding]] = {
    "ASCII": {"utf-8", "latin-1", "iso-8859-15", "windows-1252"},
    "UTF-8": {"utf-8"},
    "UTF-16": {"utf-16"},
    "UTF-16BE": {"utf-16"},
    "UTF-16LE": {"utf-16"},
    "Latin-1": {"latin-1", "iso-8859-15", "windows-1252"},
    "Windows-1252": {"windows-1252"},
}
"""With what is detected, the settings by which it is read rightly."""

ADVISED: dict[str, Encoding] = {
    "ASCII": "utf-8",
    "UTF-8": "utf-8",
    "UTF-16": "utf-16",
    "UTF-16BE": "utf-16",
    "UTF-16LE": "utf-16",
    "Latin-1": "latin-1",
    "Windows-1252": "windows-1252",
}
"""With what is detected, the setting to take; none where it is not read."""

_C1 = re.compile(rb"[\x80-\x9f]")
_DECIMAL = re.compile(r"([0-9]+)[.,]0*")
_DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)


def read(
    path: Path, name: str, columns: Sequence[str], encoding: Encoding, separator: Separator
) -> pd.DataFrame:
    """These columns, and the `fault` of a row whose form is wrong; all str, "" where empty. A list
    of a row (Parquet, JSON) gives its texts, one a line.

    The table is called `name` in messages. Raises SourceError: it is no such table, of another
    encoding or separator, lacks a column, or is damaged.
    """
    try:
        with _unpacked(path, name) as file:
            _refuse_other_kind(file, path, name)
            match table_kind(path.name):
                case "parquet":
                    table = _parquet(file, name, columns)
                case "lines":
                    require_encoding(file, name, encoding)
                    table = _json_lines(file, name, columns, encoding)
                case _:
                    require_encoding(file, name, encoding)
                    table = _csv(file, name, columns, encoding, separator)
    except (*_DAMAGED, pa.ArrowException) as error:
        raise SourceError(f"{name} cannot be read: {error}") from error
    return table


def header(path: Path, name: str, encoding: Encoding, separator: Separator) -> list[str]:
    """The names of a table's columns. Raises SourceError, as `read` does."""
    try:
        with _unpacked(path, name) as file:
            match table_kind(path.name):
                case "parquet":
                    return list(pq.ParquetFile(file).schema_arrow.names)
                case "lines":
                    rows = _objects(_text(file, encoding), name)
                    first = islice(rows, _LOOKED_AT)
                    return list(dict.fromkeys(key for _, row in first for key in row))
                case _:
                    text = _text(file, encoding)
                    return CsvTable(text, [], separator=SEPARATORS[separator], indexed=False).header
    except (*_DAMAGED, pa.ArrowException, CatalogueError, UnicodeError) as error:
        raise SourceError(f"{name} cannot be read: {error}") from error


def detected(path: Path, name: str) -> str:
    """The encoding that a table of text seems to have, as `_AGREEING` calls it."""
    with _unpacked(path, name) as file:
        return _detected(file)[0]


@contextmanager
def _unpacked(path: Path, name: str) -> Iterator[BinaryIO]:
    """The table's bytes, from its beginning; a packed one is unpacked to a file that goes away."""
    if path.suffix.lower() not in (".gz", ".zip"):
        with path.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as unpacked, _packed(path, name) as packed:
        while block := packed.read(_BLOCK):
            if unpacked.tell() + len(block) > MAX_BYTES:
                raise SourceError(f"{name} unpacks to more than {MAX_BYTES:,} bytes, the most read")
            unpacked.write(block)
        unpacked.seek(0)
        yield cast("BinaryIO", unpacked)


@contextmanager
def _packed(path: Path, name: str) -> Iterator[IO[bytes]]:
    if path.suffix.lower() == ".gz":
        with gzip.open(path) as file:
            yield cast("IO[bytes]", file)
        return
    with zipfile.ZipFile(path) as archive:
        inside = [
            entry.filename
            for entry in archive.infolist()
            if not entry.is_dir() and "__MACOSX" not in PurePosixPath(entry.filename).parts
        ]
        if len(inside) != 1:
            told = ", ".join(inside[:5]) or "nothing"
            raise SourceError(f"{name}: expected one table in the archive; found {told}")
        with archive.open(inside[0]) as file:
            yield file


def _refuse_other_kind(file: BinaryIO, path: Path, name: str) -> None:
    head = file.read(4096)
    file.seek(0)
    if not head:
        raise SourceError(f"{name} is empty")
    if head.startswith(b"PAR1") == (table_kind(path.name) == "parquet"):
        kind = "" if head.startswith(b"PAR1") else other_kind(head)
    else:
        kind = f"no {TABLE_KINDS[table_kind(path.name)]}, though it is called so"
        kind = other_kind(head) or kind
    if kind:
        raise SourceError(f"{name}: it is {kind}")


def _detected(file: BinaryIO) -> tuple[str, str]:
    """The encoding that bytes seem to have, and by what that is known."""
    head = file.read(4096)
    file.seek(0)
    if wide := wide_encoding(head):
        return wide, "by its first bytes"
    ascii_only, not_utf8, c1 = True, "", False
    for number, line in enumerate(file, 1):
        if line.isascii():
            continue
        ascii_only = False
        c1 = c1 or _C1.search(line) is not None
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            not_utf8 = not_utf8 or f"line {number}: byte 0x{line[error.start]:02x}"
    file.seek(0)
    if ascii_only:
        return "ASCII", ""
    if not not_utf8:
        return "UTF-8", ""
    return ("Windows-1252" if c1 else "Latin-1"), not_utf8


def require_encoding(file: BinaryIO, name: str, encoding: Encoding) -> None:
    """Raise SourceError, with what is detected, when a text is of another encoding."""
    found, why = _detected(file)
    if encoding not in _AGREEING.get(found, ()):
        advised = ADVISED.get(found)
        way = f"-S data.encoding={advised}" if advised else "save it as UTF-8"
        raise SourceError(
            f"{name}: data.encoding is {encoding}, and it looks like {found}"
            f"{f' ({why})' if why else ''}: {way}"
        )


def _text(file: BinaryIO, encoding: Encoding) -> io.TextIOWrapper:
    head = file.read(4096)
    file.seek(0)
    codec = {"utf-8": "utf-8-sig", "windows-1252": "cp1252"}.get(encoding, encoding)
    if encoding == "utf-16" and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        codec = wide_encoding(head) or codec  # without a mark Python takes this machine's order
    return io.TextIOWrapper(file, encoding=codec, newline="")


def _csv(
    file: BinaryIO, name: str, columns: Sequence[str], encoding: Encoding, separator: Separator
) -> pd.DataFrame:
    text = _text(file, encoding)
    try:
        found = CsvTable(text, [], separator=SEPARATORS[separator], indexed=False).header
        _require_columns(found, columns, name, separator)
        text.seek(0)
        rows = CsvTable(text, columns, separator=SEPARATORS[separator], indexed=False)
        values = [
            [*row.values, f"line {row.line} {row.fault}" if row.fault else ""] for row in rows
        ]
    except (CatalogueError, UnicodeError) as error:
        raise SourceError(f"{name}: {error}") from error
    finally:
        text.detach()
    return pd.DataFrame(values, columns=[*columns, "fault"], dtype="str")


def _require_columns(
    found: Sequence[str], columns: Sequence[str], name: str, separator: Separator | None = None
) -> None:
    """Raise SourceError when a column is missing or there twice, with the likely cause."""
    if doubled := [column for column in columns if list(found).count(column) > 1]:
        raise SourceError(f"{name}: column {', '.join(doubled)} is there twice")
    missing = [column for column in columns if column not in found]
    if not missing:
        return
    line = " ".join(found)
    for other, sign in SEPARATORS.items():
        if separator and other != separator and len(found) == 1 and sign in line:
            raise SourceError(
                f"{name}: its columns are separated by {other}s, and data.separator is "
                f"{separator}: -S data.separator={other}"
            )
    shown = ", ".join(map(repr, found[:_SHOWN])) + (", …" if len(found) > _SHOWN else "")
    raise SourceError(
        f"{name}: column {', '.join(map(repr, missing))} is missing; found {shown}: name "
        "what there is in data.columns (-S data.columns.title=…)"
    )


def _json_lines(
    file: BinaryIO, name: str, columns: Sequence[str], encoding: Encoding
) -> pd.DataFrame:
    text = _text(file, encoding)
    values: list[list[str]] = []
    found: dict[str, None] = {}
    try:
        for number, row in _objects(text, name):
            found |= dict.fromkeys(row)
            values.append(
                [*(_value(row.get(key), f"{name}: line {number}: {key}") for key in columns), ""]
            )
    except UnicodeError as error:
        raise SourceError(f"{name}: {error}") from error
    finally:
        text.detach()
    _require_columns(list(found), columns, name)
    return pd.DataFrame(values, columns=[*columns, "fault"], dtype="str")


def _objects(text: io.TextIOWrapper, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The number of each line, and its object; numbers are texts, as they are written."""
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_int=str, parse_float=str)
        except (ValueError, RecursionError) as error:
            raise SourceError(f"{name}: line {number} is no JSON object: {error}") from error
        if not isinstance(row, dict):
            raise SourceError(f"{name}: line {number} is no JSON object, one of which is a row")
        yield number, row


def _value(value: Any, where: str) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list():
            return "\n".join(_value(item, where) for item in value)
        case dict():
            raise SourceError(f"{where} is an object; expected a text or a number")
        case _:
            # Half a character, which JSON can hold, no file can.
            return str(value).encode("utf-8", "replace").decode()


def _parquet(file: BinaryIO, name: str, columns: Sequence[str]) -> pd.DataFrame:
    opened = pq.ParquetFile(file)
    _require_columns(opened.schema_arrow.names, columns, name)
    table = opened.read(list(columns))
    try:
        found = {column: _column(table[column], name, column) for column in columns}
    except CatalogueError as error:
        raise SourceError(str(error)) from error
    frame = pd.DataFrame(found, pd.RangeIndex(len(table)), list(columns), dtype="str")
    return frame.assign(fault="")


def _column(column: pa.ChunkedArray, table: str, name: str) -> list[str]:
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return ["\n".join(map(str, filter(None, value or []))) for value in column.to_pylist()]
    return texts(column, table, name)


def whole(values: pd.Series) -> pd.Series:
    """Without decimals, where all values are whole numbers that were written as decimals: some
    programs do so in a column with empty cells."""
    filled = values[values != ""]
    if len(filled) and filled.str.fullmatch(_DECIMAL).all():
        return values.str.replace(_DECIMAL, r"\1", regex=True)
    return values
