"""What reviewers said becomes part of the catalogue that a source delivered.

A correction belongs to the product that its identifier names: the productid, or else the imageid;
in a table that `ingest` made of a shop's own, the shop's index, or else the productid. A row number
of the challenge's tables is taken for an identifier only where the designation is the same too.
Without such a product it belongs to those of the same content, texts and picture. One that belongs
to no product is a new product, added after all others.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from serving.listing.identity import content_key
from stages.common.paths import (
    CORRECTED,
    CORRECTED_COLUMNS,
    IMAGES,
    PRODUCT_COLUMNS,
    TEST_PRODUCTS,
    TRAIN_CODES,
    TRAIN_PRODUCTS,
    TRANSLATED_COLUMNS,
)
from stages.pictures.archive import PictureArchive
from stages.sources import corrections
from stages.sources.corrections import Corrected
from stages.sources.raw_rows import RawTable
from stages.sources.transfer import SourceError

_NUMBER = re.compile("0|[1-9][0-9]{0,17}")
_DIGITS = 14
"""Of a product's key, in hexadecimal, that make a number of 17 digits at most."""

_COMPARED = 1000
"""Characters of a text by which rows are found that may be of the same content."""

_NO_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass
class Merged:
    """What became of the corrections: how many belonged to products by an identifier, by their
    content, and to none; and how many rows have another code than before."""

    identified: int = 0
    alike: int = 0
    new: int = 0
    recoded: int = 0

    def __str__(self) -> str:
        total = self.identified + self.alike + self.new
        return (
            f"{total:,} corrections: {self.identified:,} of products by their identifier, "
            f"{self.alike:,} by their content, {self.new:,} of new products; "
            f"{self.recoded:,} codes changed"
        )


@dataclass(frozen=True)
class _Product:
    index: str
    designation: str
    description: str
    productid: str
    imageid: str
    picture: str


def merge(folder: Path, destination: Path) -> Merged:
    """Merge the corrections of a folder into the four files in `destination`, which keep their
    layout, and list there which products they concern. Without any, nothing is written.

    Raises SourceError: the folder is none of corrections, or two corrections contradict each other;
    CatalogueError: a table cannot be read.
    """
    corrected = corrections.read(folder)
    if not corrected:
        return Merged()
    catalogue = _Catalogue(destination)
    merged, of_row = Merged(), dict[int, Corrected]()
    new = []
    for each, rows, identified in catalogue.found(corrected):
        merged.identified += identified
        merged.alike += bool(rows) and not identified
        if not rows:
            new.append(each)
        for row in rows:
            _claim(of_row, row, each, catalogue, identified=identified)
    merged.new = len(new)
    listed = [
        (catalogue.products[row].index, each.product, catalogue.before(row), each.code)
        for row, each in sorted(of_row.items())
    ]
    merged.recoded = sum(before != code for _, _, before, code in listed)
    added = catalogue.write(of_row, new)
    listed += [(index, each.product, "", each.code) for index, each in added]
    table = pd.DataFrame(listed, columns=CORRECTED_COLUMNS, dtype="str")
    table.to_csv(destination / CORRECTED.name, index=False)
    return merged


def _claim(
    of_row: dict[int, Corrected],
    row: int,
    each: Corrected,
    catalogue: _Catalogue,
    *,
    identified: bool,
) -> None:
    """Give a row its correction. What an identifier names comes last, and counts more than equal
    content. Raises SourceError where two identifiers give one row different codes."""
    other = of_row.get(row)
    if other and identified and other.identifier and other.code != each.code:
        index = catalogue.products[row].index
        raise SourceError(
            f"corrections of {other.named} and of {each.named} give the product {index} of the "
            f"catalogue different codes, {other.code} and {each.code}; correct one of them, and "
            "run `make corrections`"
        )
    of_row[row] = each


class _Catalogue:
    """The four files of a catalogue."""

    def __init__(self, folder: Path) -> None:
        self._archive = folder / IMAGES
        self._table = RawTable(folder / TRAIN_PRODUCTS, PRODUCT_COLUMNS)
        self._translated = self._table.header == ["", *TRANSLATED_COLUMNS]
        if self._translated:
            self._table = RawTable(folder / TRAIN_PRODUCTS, TRANSLATED_COLUMNS)
        self._codes = RawTable(folder / TRAIN_CODES, ["prdtypecode"])
        asked = RawTable(folder / TEST_PRODUCTS, PRODUCT_COLUMNS)
        self._asked = [row.values[0] for row in asked.rows]
        with PictureArchive(self._archive) as archive:
            self.products = self._read(archive)
        self._of_index = _places(row.values[0] for row in self._codes.rows)
        self._index = _places(product.index for product in self.products)
        self._productid = _places(product.productid for product in self.products)
        self._imageid = _places(product.imageid for product in self.products)

    def _read(self, archive: PictureArchive) -> list[_Product]:
        values = [row.values[:5] for row in self._table.rows]
        table = pd.DataFrame(values, columns=["index", *PRODUCT_COLUMNS], dtype="str")
        if self._translated:
            table["picture"] = [row.values[5] for row in self._table.rows]
        table["picture"] = archive.names(table, "image_train")
        return [_Product(**of) for of in table.to_dict("records")]

    def before(self, row: int) -> str:
        """The code of a product as the source had it, "" if none, or several that differ."""
        numbers = self._of_index.get(self.products[row].index, ())
        codes = {self._codes.rows[number].values[1] for number in numbers}
        return codes.pop() if len(codes) == 1 else ""

    def found(self, corrected: Sequence[Corrected]) -> Iterator[tuple[Corrected, list[int], bool]]:
        """Each correction with the rows of its product, and whether its identifier names them:
        those that are found by content first."""
        named = {each.product: self._named(each) for each in corrected}
        others = [each for each in corrected if not named[each.product]]
        alike = self._alike(others)
        for each in others:
            yield each, alike.get(each.product, []), False
        for each in corrected:
            if rows := named[each.product]:
                yield each, rows, True

    def _named(self, each: Corrected) -> list[int]:
        if not each.identifier:
            return []
        if self._translated:
            return self._index.get(each.identifier) or self._productid.get(each.identifier, [])
        rows = self._productid.get(each.identifier) or self._imageid.get(each.identifier)
        return rows or [
            row
            for row in self._index.get(each.identifier, ())
            if self.products[row].designation == each.designation
        ]

    def _alike(self, corrected: Sequence[Corrected]) -> dict[str, list[int]]:
        """The rows of equal texts and an equal picture, by the key that these make."""
        keys = {each.product for each in corrected}
        texts = {_beginning(each.designation, each.description) for each in corrected}
        rows = defaultdict[str, list[int]](list)
        with PictureArchive(self._archive) as archive:
            for number, product in enumerate(self.products):
                if _beginning(product.designation, product.description) not in texts:
                    continue
                shown = _picture_hash(archive, product.picture)
                key = content_key(product.designation, product.description, shown)
                if key in keys:
                    rows[key].append(number)
        return rows

    def write(
        self, of_row: Mapping[int, Corrected], new: Sequence[Corrected]
    ) -> list[tuple[str, Corrected]]:
        """Write the codes of rows that there are, and further products, each of which is given
        with its index; pictures of these go into the archive."""
        codes = {self.products[row].index: each.code for row, each in of_row.items()}
        changed = {
            number: {"prdtypecode": code}
            for index, code in codes.items()
            for number in self._of_index.get(index, ())
            if self._codes.rows[number].values[1] != code
        }
        added = list(zip(self._free_indices(new), new, strict=True))
        lacking = [(index, code) for index, code in codes.items() if index not in self._of_index]
        further = [*lacking, *((index, each.code) for index, each in added)]
        self._codes.write(changed, [{"": index, "prdtypecode": code} for index, code in further])
        if added:
            self._table.write({}, self._rows_of(added))
        return added

    def _free_indices(self, new: Sequence[Corrected]) -> Iterator[str]:
        """An index for each further product: a number where all are numbers."""
        taken = {*self._index, *self._asked}
        if not self._translated or all(map(_NUMBER.fullmatch, taken)):
            first = 1 + max(map(int, filter(_NUMBER.fullmatch, taken)), default=-1)
            yield from map(str, range(first, first + len(new)))
            return
        for each in new:
            index = each.product if each.identifier in {"", *taken} else each.identifier
            taken.add(index)
            yield index

    def _rows_of(self, added: Sequence[tuple[str, Corrected]]) -> Iterator[dict[str, str]]:
        """The rows of further products, whose pictures are put into the archive."""
        with PictureArchive(self._archive) as archive:
            place = "images/image_train/" if archive.parted else ""
        numbers = not self._translated or all(map(_NUMBER.fullmatch, self._productid))
        with zipfile.ZipFile(self._archive, "a") as pictures:
            for index, each in added:
                own = str(int(each.product[:_DIGITS], 16))
                fits = _NUMBER.fullmatch(each.identifier) if numbers else each.identifier
                productid = each.identifier if fits else own
                entry = ""
                if each.picture is not None:
                    of = own if self._translated else productid
                    entry = f"{place}image_{own}_product_{of}{each.picture.suffix}"
                    pictures.writestr(zipfile.ZipInfo(entry, _NO_DATE), each.picture.read_bytes())
                yield {
                    "": index,
                    "designation": each.designation,
                    "description": each.description,
                    "productid": productid,
                    "imageid": own,
                    "picture": entry,
                }


def _places(values: Iterable[str]) -> dict[str, list[int]]:
    rows = defaultdict[str, list[int]](list)
    for number, value in enumerate(values):
        rows[value].append(number)
    return dict(rows)


def _beginning(designation: str, description: str) -> tuple[str, str]:
    return designation[:_COMPARED], description[:_COMPARED]


def _picture_hash(archive: PictureArchive, entry: str) -> str:
    try:
        return hashlib.sha256(archive.read(entry)).hexdigest() if entry else ""
    except OSError:  # damaged: no request had it
        return ""
