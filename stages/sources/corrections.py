"""A folder of corrections, as `make corrections` writes it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from stages.common.paths import CORRECTION_COLUMNS, CORRECTIONS_TABLE, PICTURES_FOLDER
from stages.preparation.csv_table import CatalogueError, CsvTable
from stages.preparation.diagnosis import likely_cause
from stages.sources.transfer import SourceError


@dataclass(frozen=True)
class Corrected:
    """The right `code` of a product: `product` is the key of its content, `identifier` what its
    owner calls it, "" if nothing, and `picture` its file, where one was kept."""

    product: str
    identifier: str
    designation: str
    description: str
    code: str
    picture: Path | None

    @property
    def named(self) -> str:
        """For messages."""
        told = ", ".join(filter(None, (self.identifier, self.designation[:60])))
        return f"{self.product} ({told})" if told else self.product


def read(folder: Path) -> list[Corrected]:
    """The corrections in a folder, in the order of the table.

    Raises SourceError naming the file and the line: it is none that `make corrections` wrote, or
    not as it wrote it.
    """
    path = folder / CORRECTIONS_TABLE
    found: list[Corrected] = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in CsvTable(file, CORRECTION_COLUMNS, indexed=False):
                found.append(_corrected(folder, row.values, row.fault, row.line))
    except (OSError, UnicodeDecodeError, CatalogueError) as error:
        raise SourceError(f"{path}: {_cause(path) or error}{_AGAIN}") from error
    repeated = [key for key, count in Counter(each.product for each in found).items() if count > 1]
    if repeated:
        raise SourceError(f"{path}: product {repeated[0]} is there twice{_AGAIN}")
    return found


_AGAIN = "; `make corrections` writes it anew, `dvc checkout data/corrections.dvc` brings it back"


def _cause(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return likely_cause(file)
    except OSError:
        return ""


def _corrected(folder: Path, values: list[str], fault: str, line: int) -> Corrected:
    product, identifier, designation, description, code, picture = values
    if not fault and not (product and code):
        fault = f"has no {'prdtypecode' if product else 'product'}"
    if fault:
        raise CatalogueError(f"line {line} {fault}")
    file = folder / PICTURES_FOLDER / picture if picture else None
    if file is not None and (Path(picture).name != picture or not file.is_file()):
        raise CatalogueError(f"line {line}: there is no picture {PICTURES_FOLDER}/{picture}")
    return Corrected(product, identifier, designation, description, code, file)
