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
from pathlib import Path

from serving.classifier.classifier import Classifier
from serving.classifier.manifest import NAME, ManifestError
from stages.commands.batch.answer_rows import Archived, Outcome, answer_rows
from stages.common.output import StageError, fail
from stages.common.paths import CLASSIFIER
from stages.common.progress import progress
from stages.common.settings import load
from stages.evaluation.predictions import FIELDS
from stages.pictures.archive import PictureArchive
from stages.preparation.tables import count_products, product_chunks

UNUSABLE = 2


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
        total = count_products(table, str(table), chunk)
        partial = output.with_name(f".{output.name}.partial")
        outcome = Outcome()
        try:
            with (
                table.open("rb") as source,
                partial.open("w", encoding="utf-8", newline="") as file,
                progress(title="predict", unit="products", total=total) as done,
            ):
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(FIELDS)
                for rows in product_chunks(source, str(table), chunk):
                    answers, counted = answer_rows(
                        classifier, rows, Archived(archive) if archive else None
                    )
                    writer.writerows(answers)
                    outcome += counted
                    done.update(len(rows))
            partial.replace(output)
        finally:
            partial.unlink(missing_ok=True)
    return outcome


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
    print(f"{outcome}: {output}")
    return outcome


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (StageError, OSError) as error:
        fail("predict", error)
