"""Folders of corrections as `make corrections` writes them, made without a database."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

from serving.listing.identity import content_key
from stages.common.paths import CORRECTION_COLUMNS, CORRECTIONS_TABLE, PICTURES_FOLDER


def row(
    code: object,
    designation: str = "",
    description: str = "",
    *,
    identifier: object = "",
    picture: bytes = b"",
    product: str | None = None,
) -> tuple[tuple[str, ...], bytes]:
    """A correction, and its picture; `product` is the key of its content by default."""
    shown = hashlib.sha256(picture).hexdigest() if picture else ""
    key = product or content_key(designation, description, shown)
    file = f"{key}.jpg" if picture else ""
    return (key, str(identifier), designation, description, str(code), file), picture


def write(folder: Path, *rows: tuple[tuple[str, ...], bytes]) -> Path:
    """Write the folder; what was in it is overwritten."""
    (folder / PICTURES_FOLDER).mkdir(parents=True, exist_ok=True)
    with (folder / CORRECTIONS_TABLE).open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        table.writerow(CORRECTION_COLUMNS)
        for values, picture in sorted(rows):
            table.writerow(values)
            if picture:
                (folder / PICTURES_FOLDER / values[-1]).write_bytes(picture)
    return folder
