"""Why a table is probably not what was expected: its kind, its encoding, its separator."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import BinaryIO

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_DECIMAL = re.compile(r"[0-9]+[.,]0*|[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+")

_SAVE = "save it as CSV, UTF-8, from the program that made it"
_UNPACK = "unpack it and name what is in it"
_KINDS = {
    b"\x1f\x8b": f"compressed with gzip: {_UNPACK} (gunzip)",
    b"BZh": f"compressed with bzip2: {_UNPACK} (bunzip2)",
    b"\xfd7zXZ\x00": f"compressed with xz: {_UNPACK} (unxz)",
    b"\x28\xb5\x2f\xfd": f"compressed with Zstandard: {_UNPACK} (unzstd)",
    b"\xd0\xcf\x11\xe0": f"an Excel workbook (.xls): {_SAVE}",
    b"PAR1": "a Parquet table: save it as CSV, or call it .parquet where those are read",
    b"%PDF": f"a PDF document: {_SAVE}",
}
"""What a file is by its first bytes, and how a table is had of it."""

_ZIPPED = {
    b"xl/": f"an Excel workbook (.xlsx): {_SAVE}",
    b"[Content_Types].xml": f"an Excel workbook (.xlsx): {_SAVE}",
    b"opendocument": f"an OpenDocument spreadsheet (.ods): {_SAVE}",
    b"": f"a zip archive: {_UNPACK}",
}
"""The same of a zip archive, by a name in its head."""

_WIDE = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def likely_cause(file: BinaryIO) -> str:
    """What may be wrong with the file as a whole, and how it is mended; "" if nothing is seen."""
    file.seek(0)
    head = file.read(4096)
    if kind := other_kind(head):
        return f"it is {kind}"
    if encoding := wide_encoding(head):
        mark = "" if head.startswith(tuple(_WIDE)) else " without a byte order mark"
        return (
            f"it is {encoding[:6]}{mark}, not UTF-8: save it as UTF-8 "
            f"(iconv -f {encoding} -t UTF-8)"
        )
    file.seek(0)
    for number, line in enumerate(file, 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            return (
                f"it is not UTF-8 (line {number}: byte 0x{line[error.start]:02x}), probably "
                "Windows-1252: save it as UTF-8 (iconv -f WINDOWS-1252 -t UTF-8)"
            )
    header = head.decode("utf-8-sig", errors="ignore").split("\n")[0]
    for separator, name in _SEPARATORS.items():
        if header.count(separator) > header.count(","):
            return f"its columns are separated by {name}: save it separated by commas"
    return ""


def other_kind(head: bytes) -> str:
    """What a file that is no text is, by its first bytes, and how a table is had of it; "" else."""
    if head.startswith(b"PK\x03\x04"):
        return next(words for name, words in _ZIPPED.items() if name in head)
    return next((words for first, words in _KINDS.items() if head.startswith(first)), "")


def wide_encoding(head: bytes) -> str:
    """UTF-16 or UTF-32 by its mark or, without one, by the zeros that Latin letters have in it."""
    for mark, encoding in _WIDE.items():
        if head.startswith(mark):
            return encoding
    even, odd = (head[start::2].count(0) / max(len(head) // 2, 1) for start in (0, 1))
    if max(even, odd) > 0.5 and min(even, odd) < 0.1:
        return "UTF-16BE" if even > odd else "UTF-16LE"
    return ""


def decimal_cause(values: Iterable[str]) -> str:
    """What is said when identifiers were written as decimals; "" if none of `values` was."""
    decimal = next((value for value in values if _DECIMAL.fullmatch(value)), None)
    if decimal is None:
        return ""
    return (
        f"{decimal} is a decimal: the table was saved by a program that took identifiers for "
        "measurements (pandas does so in a column with empty cells); save them as whole numbers"
    )
