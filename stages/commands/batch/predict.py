"""Answer a table of products with the classifier that is there: `make predict CATALOGUE=<csv>`.

The table has the columns of X_test_update.csv; PICTURES=<zip> names an archive with pictures called
as in a catalogue's images.zip. Where the pipeline ran on a shop's own tables, it is one of these,
and pictures lie as `data.pictures` says, or in PICTURES. OUTPUT (default: <csv>.predictions.csv,
beside the table) gets the columns of data/predictions/predictions.csv, one row for each product, in
order. The pipeline is not run. The table is read twice, a chunk at a time: a bad row stops before
anything is answered.

Exit code: 0 every product is answered, 2 the table, the pictures or the classifier cannot be used,
or no table was named.
"""

from __future__ import annotations

import csv
import zipfile
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from stages.commands.batch.answer_rows import Archived, Outcome, answer_rows
from stages.commands.batch.classifier import open_classifier
from stages.common.output import StageError
from stages.common.paths import IMAGES, TEST_PRODUCTS
from stages.common.progress import progress
from stages.common.settings import TablesData, load
from stages.evaluation.answers import fields
from stages.pictures.archive import PictureArchive
from stages.preparation.tables import (
    columns_beyond,
    count_products,
    is_of_challenge,
    product_chunks,
)
from stages.sources.tables.translate import translate_asked


def open_pictures(path: Path) -> PictureArchive:
    """The archive. Raises StageError when it is none."""
    try:
        return PictureArchive(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise StageError(f"PICTURES={path}: no zip archive that can be read: {error}") from error


def answer(
    table: Path, pictures: Path | None, output: Path, chunk: int, name: str | None = None
) -> Outcome:
    """Answer every product of `table`, `chunk` of them at a time; `output` appears once it is
    whole. A person calls the table `name`. Raises StageError."""
    called, also = name or str(table), columns_beyond(table)
    with (
        open_classifier() as classifier,
        open_pictures(pictures) if pictures else nullcontext() as archive,
    ):
        total = count_products(table, called, chunk, also)
        partial = output.with_name(f".{output.name}.partial")
        outcome = Outcome()
        try:
            with (
                table.open("rb") as source,
                partial.open("w", encoding="utf-8", newline="") as file,
                progress(title="predict", unit="products", total=total) as done,
            ):
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(fields(classifier))
                for rows in product_chunks(source, called, chunk, also):
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


def predict(
    catalogue: Annotated[Path, typer.Argument(envvar="CATALOGUE", help="CSV table of products.")],
    pictures: Annotated[Path | None, typer.Option(envvar="PICTURES", help="Archive.")] = None,
    output: Annotated[Path | None, typer.Option(envvar="OUTPUT", help="CSV table.")] = None,
) -> Outcome:
    """Answer a table of products with the classifier that is there."""
    if not catalogue.is_file():
        raise StageError(f"CATALOGUE={catalogue} is no file; expected a CSV table of products")
    output = output or catalogue.with_suffix(".predictions.csv")
    if output.resolve() == catalogue.resolve():
        raise StageError(f"OUTPUT={output} is the table itself; name another file")
    if not output.absolute().parent.is_dir():
        raise StageError(f"OUTPUT={output}: there is no folder {output.absolute().parent}")
    settings = load()
    data, chunk = settings.data, settings.predict.chunk
    if not isinstance(data, TablesData) or is_of_challenge(catalogue):
        outcome = answer(catalogue, pictures, output, chunk)
    else:
        if pictures is not None:
            places = {"pictures": {"path": str(pictures)}, "watched": {"images": str(pictures)}}
            data = data.model_copy(
                update={
                    key: getattr(data, key).model_copy(update=given)
                    for key, given in places.items()
                }
            )
        with TemporaryDirectory(prefix="predict-") as folder:
            translate_asked(data, catalogue, Path(folder))
            made = Path(folder) / TEST_PRODUCTS
            outcome = answer(made, made.with_name(IMAGES), output, chunk, str(catalogue))
    print(f"{outcome}: {output}")
    return outcome
