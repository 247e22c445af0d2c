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
import yaml

from serving.listing.labels import CODES, LABELS
from stages.commands.exit_codes import CommandError, ExitCode
from stages.commands.pipeline.composition import compose
from stages.commands.pipeline.override import override, run_command
from stages.commands.pipeline.trainable import refusals
from stages.commands.repository import ROOT
from stages.common.output import StageError
from stages.common.paths import FILES, IMAGES, TEST_PRODUCTS, TRAIN_CODES, TRAIN_PRODUCTS
from stages.common.progress import progress
from stages.common.settings import Settings, parse
from stages.pictures.archive import WITHOUT, PictureArchive
from stages.pictures.decoding import decode_all
from stages.preparation.tables import (
    join_labels,
    labels_without_product,
    read_labels,
    read_products,
    reject_bad_rows,
    require_good_rows,
    schema_of,
)
from stages.preparation.usable import Usable, usable_products
from stages.sources import transfer

FEW = 10
"""Rows of a code below which its scores, and its calibration, say little."""

_LABELLED, _ASKED = "image_train", "image_test"
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
        except (StageError, CommandError, OSError) as error:
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
    settings = report.attempt(lambda: _settings(folder))
    path, codes, queries = (folder / name for name in (TRAIN_PRODUCTS, TRAIN_CODES, TEST_PRODUCTS))
    products = report.attempt(lambda: read_products(path, str(path)))
    labels = report.attempt(lambda: read_labels(codes, str(codes)))
    asked = report.attempt(lambda: read_products(queries, str(queries)))
    for table, name in ((products, TRAIN_PRODUCTS), (labels, TRAIN_CODES), (asked, TEST_PRODUCTS)):
        if table is not None:
            columns = ", ".join(table.columns.drop("fault"))
            report.say(name, f"{len(table):,} rows, UTF-8: {columns}")
    if asked is not None:
        report.attempt(lambda: require_good_rows(asked, str(queries), schema_of(asked)))
    rows = None
    if products is not None and labels is not None:
        joined = report.attempt(lambda: join_labels(products, labels, str(codes)))
        if joined is not None:
            rows = report.attempt(lambda: reject_bad_rows(joined, str(path)))
        if rows:
            good, bad = rows
            rows = good, pd.concat([bad, labels_without_product(products, labels)])
    report.attempt(lambda: transfer.check(folder))
    archive = report.attempt(lambda: _archive(folder / IMAGES))
    usable = None
    if rows:
        usable = report.attempt(lambda: _usable(report, *rows, archive))
    if archive is not None:
        with archive:
            unreadable = _pictures(report, archive, usable, asked)
            if settings and usable:
                refused = report.attempt(lambda: refusals(usable, unreadable, settings)) or {}
                if "image" in refused and (lack := archive.lack(_LABELLED)):
                    refused["image"] = f"{lack}. {WITHOUT}"
                report.faults += [f"{branch} branch: {why}" for branch, why in refused.items()]
    return report.faults


def _overrides(folder: Path) -> list[str]:
    return ["data=folder", override("data.path", str(folder))]


def _settings(folder: Path) -> Settings:
    """Those of the run that is recommended."""
    text = compose(ROOT / "conf", _overrides(folder))
    return parse(yaml.safe_load(text), "the composition of conf/")


def _archive(path: Path) -> PictureArchive:
    try:
        return PictureArchive(path)
    except zipfile.BadZipFile as error:
        raise OSError(f"{path} is no readable zip archive: {error}") from error


def _usable(
    report: Report, good: pd.DataFrame, bad: pd.DataFrame, archive: PictureArchive | None
) -> Usable:
    """Says which rows can be used, and of which codes; returns them."""
    names = archive.names(good, _LABELLED) if archive else [""] * len(good)
    good = good.assign(picture=names)
    prints = good["picture"].map(archive.fingerprint if archive else str)
    usable = usable_products(good, prints)
    rejected = pd.concat([bad, usable.rejected])
    report.say(
        "labelled",
        f"{len(usable.products):,} rows can be used, {len(rejected):,} would be left out",
    )
    for row in rejected.head(_SHOWN).itertuples():
        report.say("", f"id {row.id}: {row.reason}")
    counts = usable.products["prdtypecode"].value_counts().reindex(CODES, fill_value=0)
    report.say("codes", f"{int((counts > 0).sum())} of {len(CODES)}")
    for code, count in counts.items():
        few = "  (few: its scores will say little)" if count < FEW else ""
        report.say("", f"{code:>5} {LABELS[int(code)].english:<28} {count:>8,}{few}")
    return usable


def _pictures(
    report: Report, archive: PictureArchive, usable: Usable | None, asked: pd.DataFrame | None
) -> set[str]:
    """Says which pictures belong to a row and which rows repeat each other; returns the pictures
    that cannot be decoded."""
    entries = archive.entries(_LABELLED) + archive.entries(_ASKED)
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
    products = None if usable is None else usable.products
    for table, part, title in ((products, _LABELLED, "labelled"), (asked, _ASKED, "asked")):
        if table is not None:
            pictured = sum(map(bool, archive.names(table, part)))
            report.say("", f"{pictured:,} of {len(table):,} {title} rows have a picture")
    if usable is not None:
        repeated = len(usable.products) - usable.products["group"].nunique()
        report.say(
            "near-duplicates", f"{repeated:,} rows repeat the title or the picture of another"
        )
        stand_in = usable.placeholders
        report.say(
            "placeholders",
            f"{usable.fingerprints[stand_in].nunique():,} pictures, of {int(stand_in.sum()):,} "
            "rows, stand under many titles of several codes",
        )
    return {name for name, _ in unreadable}


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
        print(f"\nThe pipeline can work with it: {run_command(*_overrides(folder))}")
        return
    print("\nThe pipeline cannot work with it:")
    for fault in dict.fromkeys(faults):
        print(f"- {fault}")
    raise typer.Exit(ExitCode.FAILED)
