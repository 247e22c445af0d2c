"""Look a catalogue over before hours are spent on it.

Reads the folder's four files as the pipeline would and tells what it would find: files, encodings,
columns, rows and why some would be left out, codes, pictures found and unreadable, duplicates. It
goes on after a fault, to tell all of them at once.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import pandas as pd
import typer

from serving.listing.labels import CODES, LABELS
from serving.listing.text import normalise
from stages.commands.exit_codes import ExitCode
from stages.common.output import StageError
from stages.common.paths import FILES, IMAGES, TEST_PRODUCTS, TRAIN_CODES, TRAIN_PRODUCTS
from stages.common.progress import progress
from stages.pictures.archive import PictureArchive
from stages.pictures.decoding import decode_all
from stages.preparation.split import near_duplicate_groups, placeholders
from stages.preparation.tables import (
    join_labels,
    read_labels,
    read_products,
    reject_bad_rows,
    require_good_rows,
)
from stages.sources import transfer

FEW = 10
"""Rows of a code below which its scores, and its calibration, say little."""

_SHOWN = 3
_SIZE = 16
"""Pixels a side to which pictures are decoded here: whether they can be is all that is asked."""

T = TypeVar("T")


class Report:
    """What is printed line by line, and the faults that stop a run."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def say(self, title: str, words: str) -> None:
        """One line."""
        print(f"{title:<16} {words}", flush=True)

    def attempt(self, look: Callable[[], T]) -> T | None:
        """What `look` finds, or None: its fault is noted."""
        try:
            return look()
        except (StageError, OSError) as error:
            self.faults.append(str(error))
            return None


def check(folder: Path) -> list[str]:
    """Print what there is in `folder`; returns the faults that would stop the pipeline."""
    report = Report()
    for name in FILES:
        path = folder / name
        if not path.is_file():
            report.faults.append(f"{path} is missing")
        report.say(name, f"{path.stat().st_size:,} bytes" if path.is_file() else "missing")
    if report.faults:
        return report.faults
    path, codes, queries = (folder / name for name in (TRAIN_PRODUCTS, TRAIN_CODES, TEST_PRODUCTS))
    products = report.attempt(lambda: read_products(path, str(path)))
    labels = report.attempt(lambda: read_labels(codes, str(codes)))
    asked = report.attempt(lambda: read_products(queries, str(queries)))
    for table, name in ((products, TRAIN_PRODUCTS), (labels, TRAIN_CODES), (asked, TEST_PRODUCTS)):
        if table is not None:
            report.say(name, f"{len(table):,} rows, UTF-8: {', '.join(table.columns)}")
    if asked is not None:
        report.attempt(lambda: require_good_rows(asked, str(queries)))
    good = None
    if products is not None and labels is not None:
        joined = report.attempt(lambda: join_labels(products, labels, str(codes)))
        if joined is not None:
            found = report.attempt(lambda: reject_bad_rows(joined, str(path)))
            good = _rows(report, *found) if found else None
    report.attempt(lambda: transfer.check(folder))
    archive = report.attempt(lambda: _archive(folder / IMAGES))
    if archive is not None:
        with archive:
            _pictures(report, archive, good, asked)
    return report.faults


def _archive(path: Path) -> PictureArchive:
    try:
        return PictureArchive(path)
    except zipfile.BadZipFile as error:
        raise OSError(f"{path} is no readable zip archive: {error}") from error


def _rows(report: Report, good: pd.DataFrame, rejected: pd.DataFrame) -> pd.DataFrame:
    """Says which rows can be used, and of which codes; returns them."""
    report.say("labelled", f"{len(good):,} rows can be used, {len(rejected):,} would be left out")
    for row in rejected.head(_SHOWN).itertuples():
        report.say("", f"id {row.id}: {row.reason}")
    counts = good["prdtypecode"].value_counts().reindex(CODES, fill_value=0)
    report.say("codes", f"{int((counts > 0).sum())} of {len(CODES)}")
    for code, count in counts.items():
        few = "  (few: its scores will say little)" if count < FEW else ""
        report.say("", f"{code:>5} {LABELS[int(code)].english:<28} {count:>8,}{few}")
    return good


def _pictures(
    report: Report, archive: PictureArchive, good: pd.DataFrame | None, asked: pd.DataFrame | None
) -> None:
    """Says which pictures belong to a row and can be decoded, and which rows repeat each other."""
    entries = archive.entries("image_train") + archive.entries("image_test")
    unreadable: list[tuple[str, str]] = []
    with progress(title="decoding", unit="pictures", total=len(entries)) as done:
        for chunk in decode_all(archive.path, entries, _SIZE):
            unreadable += chunk.unreadable
            done.update(len(chunk.entries) + len(chunk.unreadable))
    report.say("pictures", f"{len(entries):,}, of which {len(unreadable):,} cannot be read")
    for name, reason in unreadable[:_SHOWN]:
        report.say("", f"{name}: {reason}")
    report.say("other entries", f"{len(archive.skipped):,} would not be read")
    for entry, reason in archive.skipped[:_SHOWN]:
        report.say("", f"{entry}: {reason}")
    for table, part, title in ((good, "image_train", "labelled"), (asked, "image_test", "asked")):
        if table is not None:
            found = sum(map(bool, archive.names(table, part)))
            report.say("", f"{found:,} of {len(table):,} {title} rows have a picture")
    if good is None:
        return
    names = archive.names(good, "image_train")
    prints = pd.Series([archive.fingerprint(name) if name else "" for name in names])
    titles = good["designation"].map(normalise)
    stand_in = placeholders(titles, good["prdtypecode"], prints)
    groups = near_duplicate_groups(titles, prints.mask(stand_in, ""))
    silent = (good[["designation", "description"]].map(normalise) == "").all(axis=1) & (
        prints == ""
    )
    repeated = len(good) - len(set(groups))
    report.say("near-duplicates", f"{repeated:,} rows repeat the title or the picture of another")
    report.say(
        "placeholders",
        f"{prints[stand_in].nunique():,} pictures, of {int(stand_in.sum()):,} rows, stand under "
        "many titles of several codes",
    )
    report.say("empty", f"{int(silent.sum()):,} rows have neither text nor picture")


def check_catalogue(
    folder: Annotated[
        Path,
        typer.Argument(
            envvar="FOLDER", exists=True, file_okay=False, help="Holds the catalogue's four files."
        ),
    ],
) -> None:
    """Look a catalogue over as the pipeline would read it; ends with 1 when it cannot."""
    faults = check(folder)
    if not faults:
        print(f"\nThe pipeline can work with it: dvc exp run -S data=folder -S data.path={folder}")
        return
    print("\nThe pipeline cannot work with it:")
    for fault in dict.fromkeys(faults):
        print(f"- {fault}")
    raise typer.Exit(ExitCode.FAILED)
