"""Look a catalogue over before hours are spent on it.

Reads the folder's four files, or a shop's own tables as they seem to be meant, as the pipeline
would, and tells what it would find: files, encodings, columns, rows and why some would be left out,
codes, pictures found and unreadable, duplicates; and the overrides by which it is read. It goes on
after a fault, to tell all of them at once.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import pandas as pd
import typer
import yaml

from serving.listing.labels import described
from stages.commands.exit_codes import CommandError, ExitCode
from stages.commands.pipeline.composition import compose
from stages.commands.pipeline.guessing import guess
from stages.commands.pipeline.override import override, run_command
from stages.commands.pipeline.trainable import refusals
from stages.commands.proofs.reruns import Options, Overrides
from stages.commands.proofs.reruns import settings as given_settings
from stages.commands.repository import ROOT
from stages.common.output import StageError
from stages.common.paths import FILES, IMAGES, TEST_PRODUCTS, TRAIN_CODES, TRAIN_PRODUCTS
from stages.common.progress import progress
from stages.common.settings import Settings, TablesData, parse
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
from stages.preparation.taxonomy import Names, labels_of, read_taxonomy
from stages.preparation.usable import Usable, usable_products
from stages.sources import transfer
from stages.sources.tables import translate

FEW = 10
"""Rows of a code below which its scores, and its calibration, say little."""

MOST_CODES = 60
"""Codes that are listed; of more, those with the fewest rows."""

_LABELLED, _ASKED = "image_train", "image_test"
_SHOWN = 3
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_NO_WORDS = ("null", "true", "false", "nan", "inf")
"""What Hydra reads as something else than a text."""

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


def check(place: Path, given: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Print what there is in `place`, a folder or a table, with the overrides that are `given`.

    Returns the overrides by which the pipeline reads it, and the faults that would stop it.
    """
    report = Report()
    if place.is_dir() and any((place / name).is_file() for name in FILES):
        overrides = ["data=folder", override("data.path", str(place)), *given]
        _check_files(report, place, overrides, lambda name: str(place / name))
        return overrides, report.faults
    guessed = guess(place, read_taxonomy(_settings([]).taxonomy) or {})
    for title, words in guessed.tables.items():
        report.say(title, words)
    named = {word.partition("=")[0] for word in given}
    own = {f"data.{key}": value for key, value in guessed.overrides.items()}
    overrides = [
        "data=tables",
        *(
            _written(key, value)
            for key, value in (own | guessed.taxonomy).items()
            if key not in named
        ),
        *given,
    ]
    for assignment in overrides:
        report.say("", assignment)
    for host, count in guessed.hosts.items():
        report.say("addresses", f"{count:,} pictures at {host}, which is not asked here")
    lacking = {key: words for key, words in guessed.lacking.items() if f"data.{key}" not in named}
    report.faults += lacking.values()
    if not any(key.startswith("columns.") for key in lacking):
        _check_tables(report, overrides, asking=not guessed.hosts)
    return overrides, report.faults


def _written(key: str, value: str) -> str:
    """An override; a list and a plain word, which Hydra reads as it stands, need no quotation
    marks."""
    plain = value.startswith("[") or (_WORD.fullmatch(value) and value.lower() not in _NO_WORDS)
    return f"{key}={value}" if plain else override(key, value)


def _check_tables(report: Report, overrides: list[str], *, asking: bool) -> None:
    """Translate a shop's tables as `ingest` would, but for pictures that lie elsewhere, and look
    the result over."""
    settings = report.attempt(lambda: _settings(overrides))
    if settings is None or not isinstance(settings.data, TablesData):
        return
    data = settings.data
    if not asking:
        without = {"picture": None, "picture_sha256": None}
        data = data.model_copy(update={"columns": data.columns.model_copy(update=without)})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = report.attempt(lambda: translate.fetch(data, folder))
        if found is None:
            return
        for line in str(found).splitlines():
            report.say("", line)
        _check_files(report, folder, overrides, data.named, pictured=asking)
        report.faults = [fault.replace(f"{folder}/", "data/raw/") for fault in report.faults]


def _check_files(
    report: Report,
    folder: Path,
    overrides: list[str],
    called: Callable[[str], str],
    *,
    pictured: bool = True,
) -> None:
    """Say what there is in the four files of `folder`, which messages name as they are `called`."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    for name in FILES:
        path = folder / name
        report.say(name, "missing" if name in missing else f"{path.stat().st_size:,} bytes")
    if missing:
        report.faults += [f"{folder / name} is missing" for name in missing]
        return
    settings = report.attempt(lambda: _settings(overrides))
    names = report.attempt(lambda: read_taxonomy(settings.taxonomy)) if settings else None
    path, codes, queries = (folder / name for name in (TRAIN_PRODUCTS, TRAIN_CODES, TEST_PRODUCTS))
    products = report.attempt(lambda: read_products(path, called(TRAIN_PRODUCTS)))
    labels = report.attempt(lambda: read_labels(codes, called(TRAIN_CODES)))
    asked = report.attempt(lambda: read_products(queries, called(TEST_PRODUCTS)))
    for table, name in ((products, TRAIN_PRODUCTS), (labels, TRAIN_CODES), (asked, TEST_PRODUCTS)):
        if table is not None:
            columns = ", ".join(table.columns.drop("fault"))
            report.say(name, f"{len(table):,} rows, UTF-8: {columns}")
    if asked is not None:
        schema = schema_of(asked)
        report.attempt(lambda: require_good_rows(asked, called(TEST_PRODUCTS), schema))
    rows = None
    if products is not None and labels is not None:
        joined = report.attempt(lambda: join_labels(products, labels, called(TRAIN_CODES)))
        if joined is not None:
            rows = report.attempt(lambda: reject_bad_rows(joined, called(TRAIN_PRODUCTS), names))
        if rows:
            good, bad = rows
            rows = good, pd.concat([bad, labels_without_product(products, labels)])
    report.attempt(lambda: transfer.check(folder))
    archive = report.attempt(lambda: _archive(folder / IMAGES))
    usable = None
    if rows:
        usable = report.attempt(lambda: _usable(report, *rows, archive, names))
    if archive is not None:
        with archive:
            unreadable = _pictures(report, archive, usable, asked)
            if settings and usable:
                refused = report.attempt(lambda: refusals(usable, unreadable, settings)) or {}
                if "image" in refused and (lack := archive.lack(_LABELLED)):
                    refused["image"] = f"{lack}. {WITHOUT}"
                if not pictured:
                    refused.pop("image", None)  # which lie elsewhere
                report.faults += [f"{branch} branch: {why}" for branch, why in refused.items()]


def _settings(overrides: list[str]) -> Settings:
    """Those of the run that is recommended."""
    return parse(yaml.safe_load(compose(ROOT / "conf", overrides)), "the composition of conf/")


def _archive(path: Path) -> PictureArchive:
    try:
        return PictureArchive(path)
    except zipfile.BadZipFile as error:
        raise OSError(f"{path} is no readable zip archive: {error}") from error


def _usable(
    report: Report,
    good: pd.DataFrame,
    bad: pd.DataFrame,
    archive: PictureArchive | None,
    names: Names | None,
) -> Usable:
    """Says which rows can be used, and of which codes; returns them."""
    pictures = archive.names(good, _LABELLED) if archive else [""] * len(good)
    good = good.assign(picture=pictures)
    prints = good["picture"].map(archive.fingerprint if archive else str)
    usable = usable_products(good, prints)
    rejected = pd.concat([bad, usable.rejected])
    report.say(
        "labelled",
        f"{len(usable.products):,} rows can be used, {len(rejected):,} would be left out",
    )
    for row in rejected.head(_SHOWN).itertuples():
        report.say("", f"id {row.id}: {row.reason}")
    counts = usable.products["prdtypecode"].value_counts()
    labels = labels_of(counts.index.tolist(), names)
    report.say("codes", f"{len(labels)}" + (f" of {len(names)}" if names is not None else ""))
    rows = [(described(code, label), int(counts[code])) for code, label in labels.items()]
    shown = sorted(rows, key=lambda row: row[1])[:MOST_CODES] if len(rows) > MOST_CODES else rows
    width = max(len(name) for name, _ in shown)
    for name, count in shown:
        few = "  (few: its scores will say little)" if count < FEW else ""
        report.say("", f"{name:<{width}} {count:>8,}{few}")
    if len(rows) > len(shown):
        report.say("", f"and {len(rows) - len(shown)} with more products")
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
        typer.Argument(envvar="FOLDER", exists=True, help="Holds the catalogue; or a table."),
    ],
    overrides: Overrides = None,
    options: Options = "",
) -> None:
    """Look a catalogue over as the pipeline would read it; ends with 1 when it cannot."""
    found, faults = check(folder, given_settings(overrides, options))
    if not faults:
        print(f"\nThe pipeline can work with it: {run_command(*found)}")
        return
    print("\nThe pipeline cannot work with it:")
    for fault in dict.fromkeys(faults):
        print(f"- {fault}")
    if found[0] == "data=tables":
        print(f"\nOnce that is mended: {run_command(*found)}")
    raise typer.Exit(ExitCode.FAILED)
