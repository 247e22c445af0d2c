"""How the trained classifier behaves on the sample's test products, whatever its scores are.

Skipped where the pipeline has not run; .ci/run runs them once it has.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from serving.classifier.classifier import Classifier
from serving.classifier.prediction import Prediction, Product
from serving.listing.text import normalise, normalise_listing
from stages.common.products import columns
from stages.evaluation.answers import product
from stages.pictures.archive import PictureArchive
from tests.support.repository import ROOT

CLASSIFIER = ROOT / "models" / "classifier"
TEST = ROOT / "data" / "prepared" / "test.parquet"
ARCHIVE = ROOT / "data" / "raw" / "images.zip"

CASE_FLIPS = 0.1
"""Largest share of test products with text whose code may change with the case of their text: how a
title is capitalised tells books from games, so it has a say where the words leave a doubt."""

pytestmark = pytest.mark.skipif(
    not all(path.exists() for path in (CLASSIFIER, TEST, ARCHIVE)),
    reason="no trained classifier: run `make repro` first",
)


@pytest.fixture(scope="module")
def classifier() -> Iterator[Classifier]:
    with Classifier.load(CLASSIFIER) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_parquet(TEST)


@pytest.fixture(scope="module")
def products(table: pd.DataFrame) -> list[Product]:
    """The test products as a request would hold them."""
    with PictureArchive(ARCHIVE) as archive:
        return [product(row, archive) for row in table.itertuples()]


@pytest.fixture(scope="module")
def with_text(products: list[Product]) -> list[Product]:
    """Those with a designation or a description, without their pictures."""
    return [
        replace(product, image=None)
        for product in products
        if not normalise_listing(product.designation, product.description).empty
    ]


@pytest.fixture(scope="module")
def answers(classifier: Classifier, with_text: list[Product]) -> list[Prediction]:
    return classifier.predict(with_text)


def rewritten(products: list[Product], change: Callable[[str], str]) -> list[Product]:
    return [
        replace(
            product,
            designation=change(product.designation or ""),
            description=change(product.description or ""),
        )
        for product in products
    ]


def flips(before: list[Prediction], after: list[Prediction]) -> float:
    """Share of products whose code changed."""
    pairs = zip(before, after, strict=True)
    return float(np.mean([one.code != other.code for one, other in pairs]))


def in_bold(text: str) -> str:
    return f"<p><b>{text}</b></p>" if text else text


def as_entities(text: str) -> str:
    """Every character above ASCII, and those with a meaning in HTML, as an entity."""
    # The sample writes HTML already; what it means is written anew.
    meant = html.unescape(text)
    if "<" in meant:
        return text
    return html.escape(meant).encode("ascii", "xmlcharrefreplace").decode()


def wide(text: str) -> str:
    return "\n\t " + text.replace(" ", " \u00a0\r\n ") + "  "


@pytest.mark.parametrize("change", [in_bold, as_entities, wide])
def test_markup_and_spacing_change_nothing(
    classifier: Classifier,
    with_text: list[Product],
    answers: list[Prediction],
    change: Callable[[str], str],
) -> None:
    changed = rewritten(with_text, change)
    assert sum(a != b for a, b in zip(changed, with_text, strict=True)) > len(with_text) / 4
    for before, after in zip(answers, classifier.predict(changed), strict=True):
        assert after.code == before.code
        assert after.accepted == before.accepted
        assert after.probabilities.tolist() == before.probabilities.tolist()


@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_case_changes_no_accepted_code_and_few_others(
    classifier: Classifier,
    with_text: list[Product],
    answers: list[Prediction],
    case: Callable[[str], str],
) -> None:
    def change(text: str) -> str:
        # Of the words alone: in capitals, &eacute; is another letter.
        return case(html.unescape(text))

    after = classifier.predict(rewritten(with_text, change))
    accepted = [(one, other) for one, other in zip(answers, after, strict=True) if one.accepted]
    assert len(accepted) > len(answers) / 4
    assert [one.code for one, _ in accepted] == [other.code for _, other in accepted]
    share = flips(answers, after)
    assert share <= CASE_FLIPS, f"{share:.1%} of {len(answers)} codes changed"


@pytest.mark.parametrize(
    "empty", [Product(), Product("", ""), Product(" \n", "<p>&nbsp;</p>"), Product(image=b"")]
)
def test_an_empty_listing_is_answered_with_the_prior_and_never_accepted(
    classifier: Classifier, empty: Product
) -> None:
    (answer,) = classifier.predict([empty])
    assert answer.state == "none"
    assert not answer.accepted
    assert answer.probabilities.tolist() == list(classifier.fusion.prior)
    assert answer.code == classifier.codes[int(np.argmax(classifier.fusion.prior))]


def test_the_picture_of_another_code_makes_the_right_code_less_sure(
    classifier: Classifier, table: pd.DataFrame, products: list[Product]
) -> None:
    """On average over the test products with text, each given the picture of the next product that
    has one and another code."""
    if "both" not in classifier.fusion.blends:
        pytest.skip("this classifier has one branch alone")
    labels = columns(table, classifier.codes)
    said = (table["designation"].map(normalise) != "").to_numpy()
    pictured = [row for row, product in enumerate(products) if product.image]
    rows, strangers = [], []
    for row in np.flatnonzero(said):
        others = (other for other in pictured if labels[other] != labels[row] and other > row)
        other = next(others, next(o for o in pictured if labels[o] != labels[row]))
        rows.append(row)
        strangers.append(replace(products[row], image=products[other].image))

    def confidence(given: list[Product]) -> np.ndarray:
        answered = zip(classifier.predict(given), rows, strict=True)
        return np.array([answer.probabilities[labels[row]] for answer, row in answered])

    alone = confidence([replace(products[row], image=None) for row in rows])
    misled = confidence(strangers)
    own = confidence([products[row] for row in rows])
    assert misled.mean() < alone.mean()
    assert misled.mean() < own.mean()
