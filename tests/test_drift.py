"""Drift as the trained classifier tells it: the sample's test products raise nothing, other ones
raise the alert within the numbers that docs/drift.md states.

Skipped where the pipeline has not run; .ci/run runs them once it has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from serving.classifier.classifier import Classifier
from serving.classifier.prediction import Prediction, Product
from serving.classifier.tolerance import TOLERATED
from serving.inference.drift import Window
from stages.evaluation.answers import product
from stages.pictures.archive import PictureArchive
from tests.support import tiny
from tests.support.repository import ROOT

CLASSIFIER = ROOT / "models" / "classifier"
PREPARED = ROOT / "data" / "prepared"
ARCHIVE = ROOT / "data" / "raw" / "images.zip"
PAGE = ROOT / "docs" / "drift.md"

WINDOWS = 20
FULL = 250
"""Products of a window that is full of what was expected."""

ENGLISH = (
    "The comfortable garden chair with soft cushions for your terrace is made of solid wood and "
    "delivered to you from our stock within three days"
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(path.exists() for path in (CLASSIFIER / "reference.json", PREPARED, ARCHIVE)),
        reason="no trained classifier: run `make repro` first",
    ),
]


@pytest.fixture(scope="module")
def classifier() -> Iterator[Classifier]:
    with Classifier.load(CLASSIFIER) as loaded:
        yield loaded


def read(part: str) -> tuple[pd.DataFrame, list[Product]]:
    """The products of a part, as requests would hold them."""
    table = pd.read_parquet(PREPARED / f"{part}.parquet")
    with PictureArchive(ARCHIVE) as archive:
        return table, [product(row, archive) for row in table.itertuples()]


@pytest.fixture(scope="module")
def test_part() -> tuple[pd.DataFrame, list[Product]]:
    return read("test")


def ask(classifier: Classifier, products: Sequence[Product]) -> list[Prediction]:
    return [answer for answer in classifier.predict(products) if answer.state != "none"]


@pytest.fixture(scope="module")
def expected(
    classifier: Classifier, test_part: tuple[pd.DataFrame, list[Product]]
) -> list[Prediction]:
    """The answers to the test products."""
    return ask(classifier, test_part[1])


def shuffled(answers: Sequence[Prediction], seed: int) -> list[Prediction]:
    order = np.random.default_rng(seed).permutation(len(answers))
    return [answers[position] for position in order]


def watch(classifier: Classifier, size: int) -> Window:
    return Window(classifier.reference, size, TOLERATED)


def until_alert(window: Window, answers: Sequence[Prediction]) -> int | None:
    """After how many of `answers`, again and again, one feature at least drifted."""
    for number in range(4 * FULL):
        window.add([answers[number % len(answers)]])
        if window.drifted:
            return number + 1
    return None


def test_the_test_products_raise_nothing_in_shuffled_windows(
    classifier: Classifier, expected: list[Prediction]
) -> None:
    """At any moment of 20 windows, neither while these fill nor as they slide."""
    for seed in range(WINDOWS):
        window = watch(classifier, len(expected) // 2)
        for answer in shuffled(expected, seed):
            window.add([answer])
            assert not window.drifted, f"window {seed}, after {len(window)} products"


def test_the_unlabelled_products_raise_nothing(classifier: Classifier) -> None:
    window = watch(classifier, 1000)
    window.add(ask(classifier, read("unlabelled")[1]))
    assert not window.drifted


def in_english(given: Product) -> Product:
    """Of words that follow from its own."""
    words = np.random.default_rng(len(given.designation or "")).permutation(ENGLISH.split())
    description = " ".join(words) if given.description else ""
    return replace(given, designation=" ".join(words[:7]), description=description)


def with_picture(colour: str) -> Callable[[Product], Product]:
    picture = tiny.picture(colour, size=500)
    return lambda given: replace(given, image=picture if given.image else None)


SHIFTS: dict[str, Callable[[Product], Product]] = {
    "titles and descriptions in English": in_english,
    "dark pictures": with_picture("#0a0a0a"),
    "blank pictures": with_picture("white"),
    "titles cut to 10 characters": lambda given: replace(
        given, designation=(given.designation or "")[:10]
    ),
    "no pictures": lambda given: replace(given, image=None),
}
"""How products are changed, by the words that docs/drift.md has for it."""


def stated(shift: str) -> tuple[int, int]:
    """Most products until the alert: of an empty window, of one full of expected products."""
    [cells] = re.findall(rf"^\| {re.escape(shift)} \| (\d+) \| (\d+) \|", PAGE.read_text(), re.M)
    return int(cells[0]), int(cells[1])


def check(
    classifier: Classifier, expected: list[Prediction], shift: str, answers: list[Prediction]
) -> None:
    """The alert comes within the stated numbers, in whichever order products come."""
    found = []
    for seed in range(5):
        full = watch(classifier, FULL)
        full.add(shuffled(expected, seed)[:FULL])
        order = shuffled(answers, seed)
        found.append((until_alert(watch(classifier, FULL), order), until_alert(full, order)))
    for number in range(2):
        counts = [each[number] for each in found]
        assert all(count is not None and count <= stated(shift)[number] for count in counts), found


@pytest.mark.parametrize("shift", SHIFTS)
def test_changed_products_raise_the_alert(
    classifier: Classifier,
    expected: list[Prediction],
    test_part: tuple[pd.DataFrame, list[Product]],
    shift: str,
) -> None:
    changed = [SHIFTS[shift](given) for given in test_part[1]]
    check(classifier, expected, shift, ask(classifier, changed))


def test_products_of_one_code_raise_the_alert(
    classifier: Classifier,
    expected: list[Prediction],
    test_part: tuple[pd.DataFrame, list[Product]],
) -> None:
    table, products = test_part
    commonest = table["prdtypecode"].mode()[0]
    given = [products[row] for row in np.flatnonzero(table["prdtypecode"] == commonest)]
    check(classifier, expected, "products of one code", ask(classifier, given))
