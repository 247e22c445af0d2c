"""Explanations: the words and regions that carry an answer are found, at a bounded cost."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies
from PIL import Image

from serving.classifier.classifier import Classifier
from serving.classifier.explaining import (
    GRID,
    MAX_PASSAGES,
    MAX_WORDS,
    TOP,
    cells,
    explain,
    leave_out,
    paint_over,
    spans_of,
)
from serving.classifier.fusion import Branch, BranchLogits
from serving.classifier.prediction import Product
from serving.encoding.encoders import ENCODER, NgramEncoder
from serving.encoding.ngrams import VIEWS
from serving.listing.text import Text, normalise, normalise_listing
from tests.support import tiny


@pytest.fixture(scope="module")
def classifier(classifier_root: Path) -> Iterator[Classifier]:
    with Classifier.load(classifier_root / "models" / "classifier", 2) as loaded:
        yield loaded


def half_green() -> bytes:
    """Black, the left half green."""
    picture = Image.new("RGB", (64, 64), "black")
    picture.paste("lime", (0, 0, 32, 64))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def test_the_word_that_decides_is_found_where_it_stands(classifier: Classifier) -> None:
    product = Product("<b>Grande</b>  piscine", "&eacute;chelle de piscine, un livre", None)
    prediction, explanation = explain(classifier, product)
    assert (prediction.code, explanation.regions) == (2583, ())
    first, last = explanation.words[0], explanation.words[-1]
    assert (first.field, first.word, first.start, first.end) == ("designation", "piscine", 7, 14)
    assert (last.field, last.word) == ("description", "livre")
    assert first.effect > 1
    assert last.effect < -0.1
    effects = [word.effect for word in explanation.words]
    assert effects == sorted(effects, reverse=True)
    texts = normalise_listing(product.designation, product.description)._asdict()
    for word in explanation.words:
        assert texts[word.field][word.start : word.end] == word.word


def test_what_speaks_against_the_code_is_listed_before_what_says_nothing(
    classifier: Classifier,
) -> None:
    _, explanation = explain(classifier, Product("piscine piscine livre" + " rien" * 2 * TOP))
    words = [word.word for word in explanation.words]
    assert words == ["piscine", "piscine", *["rien"] * (TOP - 3), "livre"]


def test_the_effect_is_the_fall_of_the_log_odds(classifier: Classifier) -> None:
    _, explanation = explain(classifier, Product("piscine livre"))
    word = next(word for word in explanation.words if word.word == "piscine")

    def log_odds(title: str) -> float:
        (answer,) = classifier.predict([Product(title)])
        p = answer.probabilities[tiny.CODES.index(explained)]
        return float(np.log(p / (1 - p)))

    (answered,) = classifier.predict([Product("piscine livre")])
    explained = answered.code
    assert word.effect == pytest.approx(log_odds("piscine livre") - log_odds("livre"), abs=1e-5)


def test_the_region_that_decides_is_found(classifier: Classifier) -> None:
    prediction, explanation = explain(classifier, Product(image=half_green()))
    assert (prediction.code, explanation.words) == (2583, ())
    effects = [region.effect for region in explanation.regions]
    assert effects == sorted(effects, reverse=True)
    assert len(effects) == TOP
    for region in explanation.regions:
        assert (region.effect > 0) == (region.right <= 0.5), region
    best = explanation.regions[0]
    assert (best.right - best.left, best.bottom - best.top) == (1 / GRID, 1 / GRID)


def test_a_product_with_both_keeps_the_blend_of_both(classifier: Classifier) -> None:
    product = Product("piscine", None, half_green())
    prediction, explanation = explain(classifier, product)
    assert prediction.state == "both"
    (word,) = explanation.words
    (alone,) = classifier.predict([Product(image=half_green())])
    p, q = prediction.probabilities[1], alone.probabilities[1]
    # The tiny classifier has one blend for all states, so without its only word it is the picture.
    assert word.effect == pytest.approx(np.log(p / (1 - p)) - np.log(q / (1 - q)), abs=1e-3)
    assert explanation.regions[0].effect > 0


def test_the_answer_is_the_one_of_predict(classifier: Classifier) -> None:
    for product in (
        Product("piscine", "livre", tiny.picture("red")),
        Product("piscine", None, b"no picture"),
        Product(None, "★ — !", None),
        Product(image=tiny.picture()),
    ):
        (expected,) = classifier.predict([product])
        found, explanation = explain(classifier, product)
        assert found.probabilities.tolist() == expected.probabilities.tolist()
        assert (found.state, found.image_error) == (expected.state, expected.image_error)
        assert explanation is not None


@pytest.mark.parametrize("product", [Product(), Product("<br>", " "), Product(image=b"x")])
def test_a_product_with_nothing_usable_has_no_explanation(
    classifier: Classifier, product: Product
) -> None:
    prediction, explanation = explain(classifier, product)
    assert explanation is None
    assert prediction.state == "none"


class Counting(Classifier):
    """Counts what it is asked beyond the product itself."""

    texts = 0
    pictures = 0

    def text_logits(self, texts: Sequence[Text]) -> BranchLogits:
        self.texts += len(texts)
        return super().text_logits(texts)

    def pixel_logits(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        self.pictures += len(pictures)
        return super().pixel_logits(pictures)


def test_the_longest_listing_costs_a_bounded_number_of_answers(classifier_root: Path) -> None:
    with Counting.load(classifier_root / "models" / "classifier", 2) as counting:
        product = Product("piscine " * 3000, "un livre. " * 3000, half_green())
        _, explanation = explain(counting, product)
        assert counting.texts == MAX_WORDS + 2 * MAX_PASSAGES
        assert counting.pictures == GRID**2
        assert len(explanation.words) == len(explanation.regions) == TOP


def test_without_an_image_branch_pixels_are_refused(classifier_root: Path) -> None:
    with Classifier.load(classifier_root / "models" / "classifier") as loaded:
        loaded._image = None
        with pytest.raises(ValueError, match="no image branch"):
            loaded.pixel_logits([np.zeros((16, 16, 3), np.uint8)])


def test_every_encoder_is_explained(classifier_root: Path, tmp_path: Path) -> None:
    """The same, over hashed n-grams: nothing is known of the encoder but that it encodes texts."""
    texts = [Text("piscine ronde", ""), Text("livre de poche", ""), Text("piscine", "un livre")]
    encoder = NgramEncoder.fit(texts, 10, 1, dict.fromkeys(VIEWS, 1.0))
    encoder.write(tmp_path)
    assert (tmp_path / ENCODER).exists()

    class ByGrams(Classifier):
        """A graph of one gram: code 2583 where the grams of piscine are."""

        def _text_logits(
            self, branch: Branch, texts: Sequence[Text]
        ) -> tuple[np.ndarray, list[float | None]]:
            known = set(encoder.rows([Text("piscine", "")])[0][0].tolist())
            z = np.zeros((len(texts), len(tiny.CODES)), np.float32)
            for row, (buckets, values) in enumerate(encoder.rows(texts)):
                z[row, 1] = 5 * values[np.isin(buckets, list(known))].sum()
            return z, [None] * len(texts)

    with ByGrams.load(classifier_root / "models" / "classifier") as loaded:
        _, explanation = explain(loaded, Product("livre piscine ronde"))
    assert explanation.words[0].word == "piscine"


# What is left out


listings = strategies.builds(
    Text, *(strategies.text("ab é-'.<&1 ", max_size=900).map(normalise) for _ in range(2))
)


@given(listings)
def test_spans_are_disjoint_bounded_and_hold_all_letters(listing: Text) -> None:
    spans = list(spans_of(listing))
    assert len(spans) <= MAX_WORDS + 2 * MAX_PASSAGES
    for field in ("designation", "description"):
        text = getattr(listing, field)
        mine = [span for span in spans if span.field == field]
        assert all(a.end <= b.start for a, b in pairwise(mine))
        outside = list(text)
        for span in mine:
            assert span.start < span.end
            outside[span.start : span.end] = " " * (span.end - span.start)
        assert not any(character.isalnum() for character in outside)


@given(listings)
def test_a_shorter_listing_is_still_normalised(listing: Text) -> None:
    for span in spans_of(listing):
        shorter = leave_out(listing, span)
        text = getattr(shorter, span.field)
        assert text == " ".join(text.split())
        other = "designation" if span.field == "description" else "description"
        assert getattr(shorter, other) == getattr(listing, other)


def test_what_lies_beyond_the_first_words_is_left_out_in_passages() -> None:
    listing = Text("mot " * 40 + "fin", "suite " * 20)
    spans = list(spans_of(listing))
    assert [span.field for span in spans[:41]] == ["designation"] * 41
    singles, passages = spans[41:MAX_WORDS], spans[MAX_WORDS:]
    assert [span.end - span.start for span in singles] == [5] * (MAX_WORDS - 41)
    assert len(passages) == 7  # of 13 words, two at a time
    assert listing.description[slice(*passages[0][1:])] == "suite suite"


@pytest.mark.parametrize("size", [16, 33, 224])
def test_the_cells_cover_the_picture_once(size: int) -> None:
    seen = np.zeros((size, size), int)
    for left, top, right, bottom in cells(size):
        seen[top:bottom, left:right] += 1
    assert (seen == 1).all()


def test_a_cell_is_painted_in_the_mean_colour_of_a_copy() -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:, :4] = 200, 100, 50
    painted = paint_over(pixels, (2, 0, 6, 4))
    assert (painted[0:4, 2:6] == (100, 50, 25)).all()
    assert (painted[4:] == pixels[4:]).all()
    assert pixels[0, 2].tolist() == [200, 100, 50]
