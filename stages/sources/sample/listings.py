"""The embedded source: an invented catalogue in the challenge's layout, made from a seed.

It has the real set's shape and troubles, so that the whole pipeline runs without a download: 27
unbalanced codes, titles and pictures that mislead, missing titles, descriptions and pictures,
duplicates, wrong labels and broken files. The same arguments always give the same bytes.
"""

import csv
import html
import math
import random
import unicodedata
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from html.entities import codepoint2name
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from stages.common.process import end_with_parent
from stages.common.progress import progress
from stages.sources.sample import recipes, vocabulary
from stages.sources.sample.codes import LISTINGS
from stages.sources.sample.pictures import Picture, draw
from stages.sources.sample.vocabulary import Vocabulary

MINIMUM_PER_CODE = 5
MINIMUM_PRODUCTS = MINIMUM_PER_CODE * len(LISTINGS)

# A rare code keeps at least this share of all products, so that each split has some of it.
RARE_SHARE = 1 / 112

# Titles that name nothing, and titles that fit several codes; the others name their product.
VAGUE_SHARE = 0.06
CONFUSED_SHARE = 0.22

WITHOUT_DESCRIPTION_SHARE = 0.32
WITHOUT_PICTURE_SHARE = 0.08
WITHOUT_TITLE_SHARE = 0.05
WRONG_LABEL_SHARE = 0.02
DUPLICATE_SHARE = 0.02
NEAR_DUPLICATE_SHARE = 0.03

# One picture is spoiled in each of these ways.
DEFECTS = ("truncated", "garbage", "empty", "web page")

WORKERS = 2
ZIP_TIME = (2020, 1, 1, 0, 0, 0)
COLUMNS = ("", "designation", "description", "productid", "imageid")


@dataclass(frozen=True)
class Product:
    """One listing. `code` is its label, `picture` what its picture shows (None: it has none)."""

    code: int
    title: str
    description: str
    picture: Picture | None


@dataclass(frozen=True)
class Listing:
    """A product under its public identifiers."""

    product: Product
    productid: int
    imageid: int

    def entry(self, folder: str) -> str:
        """The name of its picture within images.zip."""
        return f"images/{folder}/image_{self.imageid}_product_{self.productid}.jpg"


def generate(destination: Path, *, products: int, unlabelled: int, seed: int) -> None:
    """Write the catalogue's four files into the existing, empty directory `destination`.

    X_train_update.csv and Y_train_CVw08PX.csv get `products` rows, X_test_update.csv `unlabelled`
    rows whose index continues theirs; images.zip gets the pictures of both. Raises ValueError when
    `products` is too small for every code to have `MINIMUM_PER_CODE` of them, SourceError when a
    data file of the sample is wrong.
    """
    if products < MINIMUM_PRODUCTS:
        raise ValueError(
            f"the sample needs at least {MINIMUM_PRODUCTS} products "
            f"({MINIMUM_PER_CODE} for each of {len(LISTINGS)} codes), got {products}"
        )
    if unlabelled < 0:
        raise ValueError(f"the number of unlabelled products cannot be negative, got {unlabelled}")
    recipes.load()  # a fault in them is told before the work
    speech = vocabulary.load()
    catalogue = [
        *_products(speech, _labels(products, seed), f"{seed}/labelled"),
        *_products(speech, _drawn_codes(unlabelled, seed), f"{seed}/unlabelled"),
    ]
    listings = _identified(catalogue, seed)
    labelled, others = listings[:products], listings[products:]
    _write_rows(destination / "X_train_update.csv", COLUMNS, _rows(labelled, 0))
    _write_rows(
        destination / "Y_train_CVw08PX.csv",
        ("", "prdtypecode"),
        ((index, listing.product.code) for index, listing in enumerate(labelled)),
    )
    _write_rows(destination / "X_test_update.csv", COLUMNS, _rows(others, products))
    _write_pictures(destination / "images.zip", labelled, others, seed)


def class_sizes(products: int) -> dict[int, int]:
    """How many of `products` each code gets: a floor for the rare ones, proportional above it."""
    floor = max(MINIMUM_PER_CODE, math.floor(products * RARE_SHARE))
    sizes = dict.fromkeys(LISTINGS, floor)
    # The floor takes from the rest, so each product goes to the code furthest below its share.
    for _ in range(products - floor * len(LISTINGS)):
        neediest = max(LISTINGS, key=lambda code: (LISTINGS[code] / sizes[code], code))
        sizes[neediest] += 1
    return sizes


def _labels(products: int, seed: int) -> list[int]:
    labels = [code for code, size in class_sizes(products).items() for _ in range(size)]
    random.Random(f"{seed}/labels").shuffle(labels)
    return labels


def _drawn_codes(count: int, seed: int) -> list[int]:
    rng = random.Random(f"{seed}/codes of the unlabelled")
    return rng.choices(list(LISTINGS), list(LISTINGS.values()), k=count)


def _products(speech: Vocabulary, codes: Sequence[int], seed: str) -> list[Product]:
    """One product for each code, with the gaps, wrong labels and duplicates of a real catalogue."""
    products = [_product(speech, code, f"{seed}/{number}") for number, code in enumerate(codes)]
    # Every product gets at most one trouble: they are dealt out in turn from one shuffled row.
    rng = random.Random(f"{seed}/troubles")
    numbers = iter(rng.sample(range(len(codes)), len(codes)))

    def deal(share: float) -> list[int]:
        return list(islice(numbers, round(share * len(codes))))

    for number in deal(WITHOUT_PICTURE_SHARE):
        products[number] = replace(products[number], picture=None)
    for number in deal(WITHOUT_TITLE_SHARE):
        products[number] = replace(products[number], title="", description="")
    for number in deal(WRONG_LABEL_SHARE):
        code = _mistaken(speech, codes[number], rng)
        true = _product(speech, code, f"{seed}/{number}/true")
        products[number] = replace(true, code=codes[number])
    # One listing of every catalogue says and shows nothing at all.
    for number in islice(numbers, min(1, len(codes) // 20)):
        products[number] = replace(products[number], title="", description="", picture=None)
    copies, near_copies = deal(DUPLICATE_SHARE), deal(NEAR_DUPLICATE_SHARE)
    originals: dict[int, list[Product]] = defaultdict(list)
    for number in numbers:
        originals[codes[number]].append(products[number])
    for number in copies:
        products[number] = rng.choice(originals[codes[number]] or [products[number]])
    for number in near_copies:
        original = rng.choice(originals[codes[number]] or [products[number]])
        if rng.random() < 0.5:
            title = _respelled(original.title, rng)
            products[number] = replace(products[number], title=title)
        else:
            products[number] = replace(products[number], picture=original.picture)
    return products


def _product(speech: Vocabulary, code: int, seed: str) -> Product:
    """A complete product; about a third have no description."""
    rng = random.Random(f"{seed}/text")
    own = speech.types[code]
    words, titles, sentences = own.words, own.titles, own.sentences
    confusions = [confusion for confusion in speech.confusions if code in confusion.codes]
    chance = rng.random()
    if chance < VAGUE_SHARE:
        titles, sentences = speech.vague_titles, speech.boilerplate
    elif chance < VAGUE_SHARE + CONFUSED_SHARE and confusions:
        confusion = rng.choice(confusions)
        words, titles, sentences = confusion.words, confusion.titles, confusion.sentences
    lasting: dict[str, str] = {}
    title = speech.fill(rng.choice(titles), words, rng, lasting)
    if rng.random() < 0.35:
        title = f"{title} {speech.fill(rng.choice(speech.title_endings), words, rng, lasting)}"
    description = ""
    if rng.random() >= WITHOUT_DESCRIPTION_SHARE:
        patterns = rng.sample(sentences, rng.randint(1, min(3, len(sentences))))
        patterns += rng.sample(speech.boilerplate, rng.randint(1, 4))
        filled = [speech.fill(pattern, words, rng, lasting) for pattern in patterns]
        description = _markup(title, filled, rng)
    return Product(code, _typed(title, rng), description, Picture(code, seed))


def _mistaken(speech: Vocabulary, code: int, rng: random.Random) -> int:
    """Another code, one that sellers take for `code` where there is such a one."""
    others = {other for group in speech.confusions if code in group.codes for other in group.codes}
    return rng.choice(sorted((others or set(LISTINGS)) - {code}))


def _typed(title: str, rng: random.Random) -> str:
    """`title` as its seller typed it: capitals, missing accents, a slip of the keys."""
    chance = rng.random()
    if chance < 0.10:
        title = title.upper()
    elif chance < 0.25:
        title = title.lower()
    elif chance < 0.40:
        title = title.title()
    if rng.random() < 0.15:
        title = _without_accents(title)
    if rng.random() < 0.05 and len(title) > 3:
        slip = rng.randrange(len(title) - 1)
        title = title[:slip] + title[slip + 1] + title[slip] + title[slip + 2 :]
    if rng.random() < 0.06:
        title = _entities(title)
    return title


def _respelled(title: str, rng: random.Random) -> str:
    """The same title to a reader, other bytes: case, spaces, accents or entities differ."""
    variants = {
        title.upper(),
        title.lower(),
        _without_accents(title),
        _entities(title),
        title.replace(" ", "  "),
        f" {title} ",
    }
    return rng.choice(sorted(variants - {title}))


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "OE"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _entities(text: str) -> str:
    """`text` with accented letters, ampersands and apostrophes as HTML entities."""
    return "".join(_entity(letter) for letter in text)


def _entity(letter: str) -> str:
    if letter == "'":
        return "&#39;"
    if letter == "&" or (ord(letter) > 127 and ord(letter) in codepoint2name):
        return f"&{codepoint2name[ord(letter)]};"
    return letter


def _markup(title: str, sentences: Sequence[str], rng: random.Random) -> str:
    """A description in one of the sellers' HTML habits."""
    layout = rng.randrange(6)
    if layout == 0:
        text = "<br>".join(sentences)
    elif layout == 1:
        text = "".join(f"<p>{sentence}</p>" for sentence in sentences)
    elif layout == 2:
        items = "".join(f"<li>{sentence}</li>" for sentence in sentences[1:])
        text = f"<p>{sentences[0]}</p><ul>{items}</ul>"
    elif layout == 3:
        text = f"<b>{title}</b><br /> <br />" + "<br />".join(sentences)
    elif layout == 4:
        text = f'<div class="desc"><strong>Description :</strong>&nbsp;{" ".join(sentences)}</div>'
    else:
        text = " ".join(sentences)
    if rng.random() < 0.3:
        text = _entities(html.unescape(text))
    elif rng.random() < 0.3:
        text = text.replace(" :", "&nbsp;:").replace("'", "&#39;")
    return text


def _identified(catalogue: Sequence[Product], seed: int) -> list[Listing]:
    rng = random.Random(f"{seed}/identifiers")
    productids = rng.sample(range(100_000, 4_300_000_000), len(catalogue))
    imageids = rng.sample(range(600_000_000, 1_330_000_000), len(catalogue))
    return [Listing(*row) for row in zip(catalogue, productids, imageids, strict=True)]


def _rows(listings: Iterable[Listing], start: int) -> Iterator[tuple[object, ...]]:
    for index, listing in enumerate(listings, start):
        product = listing.product
        yield index, product.title, product.description, listing.productid, listing.imageid


def _write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _write_pictures(
    path: Path, labelled: Sequence[Listing], others: Sequence[Listing], seed: int
) -> None:
    """Draw all pictures and store them in order; a few are spoiled on the way."""
    entries = [
        (listing.entry(folder), listing.product.picture)
        for folder, listings in (("image_train", labelled), ("image_test", others))
        for listing in listings
        if listing.product.picture is not None
    ]
    defects = _defects(labelled, seed)
    # Workers start afresh instead of inheriting this process and whatever runs in its threads.
    with (
        ProcessPoolExecutor(WORKERS, get_context("spawn"), initializer=end_with_parent) as workers,
        zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive,
    ):
        drawn = workers.map(draw, [picture for _, picture in entries], chunksize=16)
        shown = progress(drawn, title="pictures", unit="pictures", total=len(entries))
        for (name, _), jpeg in zip(entries, shown, strict=True):
            _store(archive, name, _spoiled(jpeg, defects[name]) if name in defects else jpeg)
        # What a file browser leaves behind in a folder that somebody zips.
        _store(archive, "images/image_train/Thumbs.db", b"\xd0\xcf\x11\xe0" + bytes(508))


def _defects(labelled: Sequence[Listing], seed: int) -> dict[str, str]:
    """Which entries are spoiled, and how: pictures of no duplicate, their titles stay readable."""
    uses = Counter(listing.product.picture for listing in labelled)
    candidates = [
        listing.entry("image_train")
        for listing in labelled
        if listing.product.title and listing.product.picture and uses[listing.product.picture] == 1
    ]
    chosen = random.Random(f"{seed}/defects").sample(candidates, len(DEFECTS))
    return dict(zip(chosen, DEFECTS, strict=True))


def _spoiled(jpeg: bytes, defect: str) -> bytes:
    """What stands in the archive instead of `jpeg`."""
    if defect == "truncated":
        return jpeg[: len(jpeg) // 3]
    if defect == "garbage":
        return random.Random(len(jpeg)).randbytes(4096)
    if defect == "empty":
        return b""
    return b"<html><body><h1>404 Not Found</h1></body></html>\n"


def _store(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, ZIP_TIME)
    # zipfile would record the operating system and its default permissions.
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
