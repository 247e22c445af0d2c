"""From a shop's own tables and pictures to the layout that all other stages read."""

from __future__ import annotations

import csv
import hashlib
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from stages.common.paths import (
    FILES,
    IMAGES,
    TEST_PRODUCTS,
    TRAIN_CODES,
    TRAIN_PRODUCTS,
    TRANSLATED_COLUMNS,
)
from stages.common.progress import progress
from stages.common.settings import SEPARATORS, TablesData
from stages.sources import transfer
from stages.sources.tables import addresses, files, reading
from stages.sources.transfer import DOWNLOADS, SourceError

_SHOWN = 5
_NO_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass
class Found:
    """What there was, for people: counts of rows and pictures, and what a table names in vain."""

    labelled: int = 0
    asked: int = 0
    pictured: int = 0
    pictures: int = 0
    several: int = 0
    absent: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"{self.labelled:,} products with codes, {self.asked:,} to be answered",
            f"{self.pictures:,} pictures of {self.pictured:,} products",
        ]
        if self.several:
            lines.append(
                f"{self.several:,} products have several pictures, of which the first counts"
            )
        if self.absent:
            shown = ", ".join(self.absent[:_SHOWN])
            lines.append(
                f"{len(self.absent):,} pictures are named and cannot be had, such as {shown}"
            )
        return "\n".join(lines)


def fetch(data: TablesData, destination: Path, downloads: Path = DOWNLOADS) -> Found:
    """Write the catalogue's four files into `destination`, all of them or none.

    Raises SourceError: a table or the pictures cannot be read as they are described.
    """
    products, codes, asked = _tables(data)
    with tempfile.TemporaryDirectory(prefix=".partial", dir=destination) as folder:
        made = Path(folder)
        with zipfile.ZipFile(made / IMAGES, "w") as archive:
            pictures = _Pictures(data, archive, downloads)
            _write_products(made / TRAIN_PRODUCTS, products, pictures, "image_train")
            _write_products(made / TEST_PRODUCTS, asked, pictures, "image_test")
        _write(made / TRAIN_CODES, ("prdtypecode",), codes.itertuples(index=False, name=None))
        for name in FILES:
            (made / name).replace(destination / name)
    found = pictures.found
    found.labelled, found.asked = len(products), len(asked)
    return found


def translate_asked(
    data: TablesData, table: Path, destination: Path, downloads: Path = DOWNLOADS
) -> Found:
    """Write the products of a further table, which is as `data` describes, as the catalogue's
    products to be answered, with the archive of their pictures. Raises SourceError."""
    asked = _products(data, str(table), str(table), 0, coded=False)
    with zipfile.ZipFile(destination / IMAGES, "w") as archive:
        pictures = _Pictures(data, archive, downloads)
        _write_products(destination / TEST_PRODUCTS, asked, pictures, "image_test")
    pictures.found.asked = len(asked)
    return pictures.found


def _write_products(path: Path, rows: pd.DataFrame, pictures: _Pictures, part: str) -> None:
    """A table of products in the layout that all other stages read; copies their pictures."""
    entries = pictures.copy(rows, part)
    numbers = [re.search(r"image_(\d+)_", entry) for entry in entries]
    table = rows[["id", "title", "description", "product_id"]].assign(
        imageid=[number[1] if number else "0" for number in numbers],
        picture=entries,
        reason=rows["fault"],
    )
    _write(path, TRANSLATED_COLUMNS, table.itertuples(index=False, name=None))


def _tables(data: TablesData) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Products with codes, the codes by index, and products to be answered."""
    watched, columns = data.watched, data.columns
    own = data.codes is None
    products = _products(data, watched.train_products, data.products, 0, coded=own)
    if own:
        has_code = products["code"] != ""
        if data.asked is None:
            asked, products = products[~has_code], products[has_code]
        codes = products.loc[products["code"] != "", ["id", "code"]]
    else:
        index = columns.codes_index or columns.index or columns.product_id or ""
        table = _read(data, watched.train_codes, str(data.codes), [index, columns.code])
        codes = pd.DataFrame({"id": reading.whole(table[index]), "code": table[columns.code]})
        asked = products.head(0)
    if data.asked is not None:
        asked = _products(data, watched.test_products, data.asked, len(products), coded=False)
    return products, codes.assign(code=reading.whole(codes["code"].str.strip())), asked


def _products(data: TablesData, path: str, name: str, first: int, *, coded: bool) -> pd.DataFrame:
    """The rows of a table of products: columns id, title, description, product_id, picture (what
    its file is called, where it lies, or several of these, one a line), sha256, code, fault."""
    columns, pictures = data.columns, data.pictures
    roles = {
        "id": columns.index or columns.product_id,
        "title": columns.title,
        "description": columns.description,
        "product_id": columns.product_id,
        "picture": columns.picture,
        "sha256": columns.picture_sha256,
        "code": columns.code if coded else None,
    }
    wanted = [*(column for column in roles.values() if column is not None), *pictures.named]
    table = _read(data, path, name, [*dict.fromkeys(wanted)])
    nothing = pd.Series("", table.index, dtype="str")
    rows = pd.DataFrame(
        {role: nothing if column is None else table[column] for role, column in roles.items()}
    ).assign(fault=table["fault"])
    for role in ("id", "product_id", "code"):
        rows[role] = reading.whole(rows[role].str.strip())
    if roles["id"] is None:
        rows["id"] = [str(first + number) for number in range(len(rows))]
    if roles["product_id"] is None:
        rows["product_id"] = rows["id"]
    if pictures.pattern is not None:
        values = table[pictures.named].apply(reading.whole)
        rows["picture"] = [_called(pictures.pattern, row) for row in values.to_dict("records")]
    elif pictures.between is not None:
        rows["picture"] = rows["picture"].str.replace(SEPARATORS[pictures.between], "\n")
    return rows


def _read(data: TablesData, path: str, name: str, columns: Sequence[str]) -> pd.DataFrame:
    return reading.read(Path(path), name, columns, data.encoding, data.separator)


def _called(pattern: str, row: dict[str, str]) -> str:
    """How a product's picture is called; "" where a value that is part of it is missing, or would
    stand for any name."""
    for column, value in row.items():
        if not value.strip() or "*" in value:
            return ""
        pattern = pattern.replace(f"{{{column}}}", value.strip())
    return pattern


class _Pictures:
    """The pictures of a shop, copied once for each part that shows them."""

    def __init__(self, data: TablesData, archive: zipfile.ZipFile, downloads: Path) -> None:
        self.found = Found()
        self._hosts = data.pictures.hosts
        self._archive = archive
        self._downloads = downloads
        self._any = "*" in (data.pictures.pattern or "")
        self._files = files.opened(Path(data.watched.images)) if data.pictures.path else None

    def copy(self, rows: pd.DataFrame, part: str) -> list[str]:
        """Copy the pictures of `rows`; the entry of each, "" if none. Of several it is the first.

        Raises SourceError.
        """
        named = [list(filter(None, map(str.strip, text.split("\n")))) for text in rows["picture"]]
        firsts = [names[0] if names else "" for names in named]
        self.found.several += sum(len(names) > 1 for names in named)
        hashes = {name: of.strip().lower() for name, of in zip(firsts, rows["sha256"], strict=True)}
        hashes.pop("", None)
        entries: dict[str, str] = {}
        for name, called, content in self._contents(hashes):
            if content is None:
                self.found.absent.append(transfer.public(name))
                continue
            if hashes[name] and hashlib.sha256(content).hexdigest() != hashes[name]:
                raise SourceError(f"{called} is not the picture whose sha256 is {hashes[name]!r}")
            self.found.pictures += 1
            number = self.found.pictures
            entry = f"images/{part}/image_{number}_product_{number}.{files.extension(called)}"
            entries[name] = entry
            self._archive.writestr(zipfile.ZipInfo(entry, _NO_DATE), content)
        copied = [entries.get(name, "") for name in firsts]
        self.found.pictured += sum(map(bool, copied))
        return copied

    def _contents(self, hashes: dict[str, str]) -> Iterator[tuple[str, str, bytes | None]]:
        """Each name, what its file is called, and what is in it; None where it cannot be had."""
        remote = {name: of for name, of in hashes.items() if addresses.is_address(name)}
        addresses.require_allowed(list(remote), self._hosts)
        local = [name for name in hashes if name not in remote]
        for name in progress(local, title="pictures", unit="pictures"):
            called = self._file(name)
            try:
                yield name, called, self._files.read(called) if self._files and called else None
            except OSError:
                yield name, called, None
        for name, path in addresses.fetched(remote, self._downloads):
            yield name, name, path.read_bytes() if path else None

    def _file(self, name: str) -> str:
        if self._files is None:
            return ""
        return self._files.first(name) if self._any else self._files.find(name)


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table as the challenge has them; every value in quotation marks, as it may hold any line
    end."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(["", *columns])
        writer.writerows(rows)
