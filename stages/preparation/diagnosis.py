"""Why a table is probably not what was expected: its encoding, its separator, its numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_DECIMAL = re.compile(r"[0-9]+[.,]0*|[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+")


def likely_cause(path: Path) -> str:
    """What may be wrong with the file as a whole, and how it is mended; "" if nothing is seen."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            file.seek(0)
            number = 0
            for line in file:
                number += 1
                line.decode("utf-8")
    except OSError:
        return ""
    except UnicodeDecodeError as error:
        if head.startswith(_WIDE):
            return "it is UTF-16, not UTF-8: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"
        return (
            f"it is not UTF-8 (line {number}: byte 0x{line[error.start]:02x}), probably "
            "Windows-1252: save it as UTF-8 (iconv -f WINDOWS-1252 -t UTF-8)"
        )
    header = head.decode("utf-8-sig", errors="ignore").split("\n")[0]
    for separator, name in _SEPARATORS.items():
        if header.count(separator) > header.count(","):
            return f"its columns are separated by {name}: save it separated by commas"
    return ""


def decimal_cause(values: Iterable[str]) -> str:
    """What is said when identifiers were written as decimals; "" if none of `values` was."""
    found = next((value for value in values if _DECIMAL.fullmatch(value)), None)
    if found is None:
        return ""
    return (
        f"{found} is a decimal: the table was saved by a program that took identifiers for "
        "measurements (pandas does so in a column with empty cells); save them as whole numbers"
    )
