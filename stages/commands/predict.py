"""Answer a table of products with the classifier that is there: `make predict CATALOGUE=<csv>`.

The table has the columns of X_test_update.csv; PICTURES=<zip> names an archive with pictures called
as in a catalogue's images.zip. OUTPUT (default: <csv>.predictions.csv, beside the table) gets the
columns of data/predictions/predictions.csv, one row for each product, in order. The pipeline is
not run. The table is read twice, a chunk at a time: a bad row stops before anything is answered.

Exit status: 0 every product is answered, 1 the table, the pictures or the classifier cannot be
used, 2 no table was named.
"""

from __future__ import annotations

import argparse
import csv
import sys
import zipfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from serving.classifier.classifier import Classifier
from serving.classifier.manifest import NAME, ManifestError
from stages.common.output import StageError, fail
from stages.common.paths import CLASSIFIER
from stages.common.progress import progress
from stages.common.settings import load
from stages.evaluation.answers import product
from stages.evaluation.predictions import FIELDS, values
from stages.pictures.archive import PictureArchive
from stages.preparation.tables import product_chunks

UNUSABLE = 2


@dataclass(frozen=True)
class Outcome:
    """What was answered, in products: all, accepted, with a picture found, with one that cannot be
    read."""

    products: int
    accepted: int
    pictures: int
    unreadable: int


def open_pictures(path: Path) -> PictureArchive:
    """The archive. Raises StageError when it is none."""
    try:
        return PictureArchive(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise StageError(f"PICTURES={path}: no zip archive that can be read: {error}") from error


def open_classifier() -> Classifier:
    """The classifier. Raises StageError when there is none that is whole."""
    if not (CLASSIFIER / NAME).is_file():
        raise StageError(
            f"there is no classifier in {CLASSIFIER}; fetch it with `dvc pull {CLASSIFIER}`, or "
            "make one with `make repro`"
        )
    try:
        return Classifier.load(CLASSIFIER)
    except (ManifestError, OSError) as error:
        raise StageError(
            f"{CLASSIFIER} cannot be used: {error}; put it back with `dvc checkout {CLASSIFIER}`"
        ) from error


def answer(table: Path, pictures: Path | None, output: Path, chunk: int) -> Outcome:
    """Answer every product of `table`, `chunk` of them at a time; `output` appears once it is
    whole. Raises StageError."""
    with (
        open_classifier() as classifier,
        open_pictures(pictures) if pictures else nullcontext() as archive,
    ):
        total = sum(map(len, product_chunks(table, str(table), chunk)))
        partial = output.with_name(f".{output.name}.partial")
        accepted = found = unreadable = 0
        try:
            with (
                partial.open("w", encoding="utf-8", newline="") as file,
                progress(title="predict", unit="products", total=total) as done,
            ):
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(FIELDS)
                for rows in product_chunks(table, str(table), chunk):
                    names = _names(archive, rows)
                    given = [
                        product(row, archive) for row in rows.assign(picture=names).itertuples()
                    ]
                    answers = classifier.predict(given)
                    for row, each in zip(rows.itertuples(), answers, strict=True):
                        writer.writerow(values(row, each))
                        accepted += each.accepted
                        unreadable += each.image_error is not None
                    found += sum(map(bool, names))
                    done.update(len(rows))
            partial.replace(output)
        finally:
            partial.unlink(missing_ok=True)
    return Outcome(total, accepted, found, unreadable)


def main(arguments: Sequence[str]) -> Outcome:
    """Answer, and say what was answered."""
    parser = argparse.ArgumentParser(prog="make predict", description=__doc__)
    parser.add_argument("--pictures", default="", metavar="ZIP")
    parser.add_argument("--output", default="", metavar="CSV")
    parser.add_argument("catalogue")
    given = parser.parse_args(arguments)
    if not given.catalogue:
        parser.error("CATALOGUE=<csv> is missing")
    table = Path(given.catalogue)
    if not table.is_file():
        raise StageError(f"CATALOGUE={table} is no file; expected a CSV table of products")
    output = Path(given.output) if given.output else table.with_suffix(".predictions.csv")
    if output.resolve() == table.resolve():
        raise StageError(f"OUTPUT={output} is the table itself; name another file")
    if not output.absolute().parent.is_dir():
        raise StageError(f"OUTPUT={output}: there is no folder {output.absolute().parent}")
    pictures = Path(given.pictures) if given.pictures else None
    outcome = answer(table, pictures, output, load().predict.chunk)
    print(
        f"{outcome.products:,} products answered, {outcome.accepted:,} of them accepted without "
        f"review; {outcome.pictures:,} have a picture, {outcome.unreadable:,} of which cannot be "
        f"read: {output}"
    )
    return outcome


def _names(archive: PictureArchive | None, rows: pd.DataFrame) -> list[str]:
    """The archive's entry of each product, "" if none."""
    if archive is None:
        return [""] * len(rows)
    both = (archive.names(rows, part) for part in ("image_test", "image_train"))
    return [first or second for first, second in zip(*both, strict=True)]


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (StageError, OSError) as error:
        fail("predict", error)
