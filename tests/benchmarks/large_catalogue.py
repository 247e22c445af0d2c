"""A catalogue of any size in the challenge's layout, resampled and perturbed from a smaller one.

A text is made of the words of a product and, until it is as long as texts of the real set are, of
further products of its code; words are dropped, exchanged within the code and renumbered, so that
as few texts repeat as in the real set. A picture is another one's, shifted, perhaps mirrored, and
encoded anew. Products, pictures and bytes are the same for the same source, size and seed.
"""

from __future__ import annotations

import csv
import io
import json
import math
import random
import re
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageOps

from stages.common.paths import IMAGES, TEST_PRODUCTS, TRAIN_CODES, TRAIN_PRODUCTS
from stages.common.process import end_with_parent
from stages.common.progress import progress
from stages.pictures.archive import PictureArchive
from stages.preparation.tables import join_labels, read_labels, read_products, reject_bad_rows
from tests.support.rakuten import NAMES

LABELLED, UNLABELLED = 84_916, 13_812
"""Products of the real set."""

PICTURE_BYTES = 25_300
"""Mean of the real set's pictures: 2.5 GB, a picture for each product."""

WITHOUT_DESCRIPTION = 0.35
REPEATED = 0.03
"""Share of products that have the designation of another one (of the real set: 2,651)."""

DROPPED, EXCHANGED, RENUMBERED = 0.1, 0.2, 0.5
"""Shares of words; the last of those that have a digit."""

WORKERS = 2
MADE = "made.json"
"""Beside the four files, once they are whole: what they were made with."""

_SIDE = 500
_QUALITY = (67, 87)
_SHIFT = 20
_CHUNK = 500
_CALIBRATED = 40
_ZIP_TIME = (2020, 1, 1, 0, 0, 0)
_TOKEN = re.compile(r"<[^<>]*>|[^\s<]+|<")
_DIGIT = re.compile("[0-9]")
_COLUMNS = ("", "designation", "description", "productid", "imageid")

Words = Sequence[Sequence[str]]
"""The words of several texts."""


@dataclass(frozen=True)
class Lengths:
    """Characters of a kind of text: the logarithm is normal around that of `median`."""

    median: float
    spread: float
    least: int
    most: int

    def draw(self, rng: random.Random) -> int:
        """Of one text."""
        drawn = round(rng.lognormvariate(math.log(self.median), self.spread))
        return min(max(drawn, self.least), self.most)


DESIGNATION = Lengths(65, 0.5, 11, 250)
DESCRIPTION = Lengths(635, 0.72, 1, 12_000)
"""With these, and the shares above, 84,916 products take the real set's 54 MB."""


@dataclass(frozen=True)
class Source:
    """What products are made from: for each code texts in words, and entries of the archive at
    `archive`; `codes` of all labelled products, from which a new one's code is drawn."""

    codes: Sequence[int]
    designations: Mapping[int, Words]
    descriptions: Mapping[int, Words]
    pictures: Mapping[int, Sequence[str]]
    archive: Path

    @classmethod
    def read(cls, folder: Path) -> Source:
        """Of a catalogue in which every code has a text and a picture."""
        products, labels = folder / TRAIN_PRODUCTS, folder / TRAIN_CODES
        table, _ = reject_bad_rows(
            join_labels(
                read_products(products, str(products)),
                read_labels(labels, str(labels)),
                str(labels),
            ),
            str(products),
            NAMES,
        )
        with PictureArchive(folder / IMAGES) as archive:
            table["picture"] = archive.names(table, "image_train")

        def texts(column: str) -> dict[int, Words]:
            by_code: dict[int, list[list[str]]] = defaultdict(list)
            for code, text in zip(table["prdtypecode"], table[column], strict=True):
                if words := _TOKEN.findall(text):
                    by_code[code].append(words)
            return dict(by_code)

        shown = table[table["picture"] != ""].groupby("prdtypecode")["picture"].agg(list)
        return cls(
            codes=table["prdtypecode"].tolist(),
            designations=texts("designation"),
            descriptions=texts("description"),
            pictures=shown.to_dict(),
            archive=(folder / IMAGES).resolve(),
        )


@dataclass(frozen=True)
class Listing:
    """A made product, and the entry of the source's archive that its picture is a variant of."""

    code: int
    designation: str
    description: str
    picture: str


def build(source: Source, labelled: int, seed: int, folder: Path) -> None:
    """Write the four files, for `labelled` products and as many unlabelled ones to each as in the
    real set, into `folder`; what is there, made with the same, stays."""
    made = {"source": str(source.archive), "labelled": labelled, "seed": seed}
    if (folder / MADE).exists() and json.loads((folder / MADE).read_text("utf-8")) == made:
        return
    folder.mkdir(parents=True, exist_ok=True)
    count = labelled + round(labelled * UNLABELLED / LABELLED)
    rng = random.Random(f"{seed}/identifiers")
    identifiers = list(
        zip(
            rng.sample(range(100_000, 4_300_000_000), count),
            rng.sample(range(600_000_000, 1_330_000_000), count),
            strict=True,
        )
    )
    context = get_context("spawn")
    with ProcessPoolExecutor(
        WORKERS, context, initializer=_take, initargs=(source, _grain(source))
    ) as pool:
        starts = range(0, count, _CHUNK)
        chunks = pool.map(
            _listings, [(seed, start, min(_CHUNK, count - start)) for start in starts]
        )
        listings = [
            listing
            for chunk in progress(chunks, title="texts", unit="chunks", total=len(starts))
            for listing in chunk
        ]
        rows = [
            (number, of.designation, of.description, *identifiers[number])
            for number, of in enumerate(listings)
        ]
        _write(folder / TRAIN_PRODUCTS, _COLUMNS, rows[:labelled])
        _write(folder / TEST_PRODUCTS, _COLUMNS, rows[labelled:])
        codes = [(number, of.code) for number, of in enumerate(listings[:labelled])]
        _write(folder / TRAIN_CODES, ("", "prdtypecode"), codes)

        variants: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for number, of in enumerate(listings):
            part = "image_train" if number < labelled else "image_test"
            productid, imageid = identifiers[number]
            name = f"images/{part}/image_{imageid}_product_{productid}.jpg"
            variants[of.picture].append((number, name))
        drawn = pool.map(partial(_pictures, seed), sorted(variants.items()))
        with zipfile.ZipFile(folder / IMAGES, "w", zipfile.ZIP_STORED) as archive:
            for pictures in progress(drawn, title="pictures", unit="kinds", total=len(variants)):
                for name, jpeg in pictures:
                    archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), jpeg)
    (folder / MADE).write_text(json.dumps(made), encoding="utf-8")


def text(texts: Words, length: int, rng: random.Random) -> str:
    """About `length` characters of `texts`, which are of one code."""
    words: list[str] = []
    left = length
    while left > 0:
        for word in rng.choice(texts):
            fate = rng.random()
            if fate < DROPPED:
                continue
            taken = rng.choice(rng.choice(texts)) if fate < DROPPED + EXCHANGED else word
            if rng.random() < RENUMBERED:
                taken = _DIGIT.sub(lambda _: str(rng.randrange(10)), taken)
            words.append(taken)
            left -= len(taken) + 1
            if left <= 0:
                break
    return " ".join(words)[:length].strip()


def variant(picture: Image.Image, grain: float, rng: random.Random) -> bytes:
    """Another picture of the same, as a progressive JPEG; `grain` is the share of noise in it."""
    shift = (rng.randint(-_SHIFT, _SHIFT), rng.randint(-_SHIFT, _SHIFT))
    other = ImageChops.offset(picture, *shift)
    if rng.random() < 0.5:
        other = ImageOps.mirror(other)
    if grain:
        noise = np.random.default_rng(rng.getrandbits(64)).integers(
            0, 256, (_SIDE, _SIDE, 3), np.uint8
        )
        other = Image.blend(other, Image.fromarray(noise), grain)
    file = io.BytesIO()
    other.save(file, "JPEG", quality=rng.randint(*_QUALITY), progressive=True)
    return file.getvalue()


def _grain(source: Source) -> float:
    """The share of noise with which the mean picture has PICTURE_BYTES; 0 where it has them anyway:
    drawn pictures have far fewer than photographs."""
    entries = [entry for of in source.pictures.values() for entry in of]
    with PictureArchive(source.archive) as archive:
        some = [
            picture
            for entry in entries[:: max(len(entries) // _CALIBRATED, 1)]
            if (picture := _opened(archive, entry))
        ]

    def size(grain: float) -> float:
        rng = random.Random(0)
        return float(np.mean([len(variant(picture, grain, rng)) for picture in some]))

    low, high = 0.0, 0.5
    if size(low) >= PICTURE_BYTES:
        return low
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (low, middle) if size(middle) > PICTURE_BYTES else (middle, high)
    return high


def _opened(archive: PictureArchive, entry: str) -> Image.Image | None:
    """The picture, of the size of all; None when it is broken."""
    try:
        with Image.open(io.BytesIO(archive.read(entry))) as picture:
            return picture.convert("RGB").resize((_SIDE, _SIDE))
    except OSError:
        return None


_source: Source
_archive: PictureArchive
_with_grain: float


def _take(source: Source, grain: float) -> None:
    """Each worker has the source at hand."""
    global _source, _archive, _with_grain
    end_with_parent()
    _source, _archive, _with_grain = source, PictureArchive(source.archive), grain


def _listings(asked: tuple[int, int, int]) -> list[Listing]:
    """A chunk of products: seed, number of the first, how many."""
    seed, start, count = asked
    rng = random.Random(f"{seed}/{start}")
    titles: dict[int, list[str]] = defaultdict(list)
    made = []
    for _ in range(count):
        code = rng.choice(_source.codes)
        if titles[code] and rng.random() < REPEATED:
            designation = rng.choice(titles[code])
        else:
            designation = text(_source.designations[code], DESIGNATION.draw(rng), rng)
        titles[code].append(designation)
        description = ""
        if rng.random() >= WITHOUT_DESCRIPTION:
            of = _source.descriptions.get(code) or _source.designations[code]
            description = text(of, DESCRIPTION.draw(rng), rng)
        made.append(Listing(code, designation, description, rng.choice(_source.pictures[code])))
    return made


def _pictures(seed: int, asked: tuple[str, list[tuple[int, str]]]) -> list[tuple[str, bytes]]:
    """All variants of one entry; a broken one stays as it is."""
    entry, variants = asked
    picture = _opened(_archive, entry)
    if picture is None:
        return [(name, _archive.read(entry)) for _, name in variants]
    return [
        (name, variant(picture, _with_grain, random.Random(f"{seed}/{number}")))
        for number, name in variants
    ]


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
