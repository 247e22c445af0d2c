"""Traits: what a product looks like, in figures that any machine computes alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from serving.classifier.classifier import Classifier
from serving.classifier.prediction import Product
from serving.classifier.traits import NO_LANGUAGE, OTHER_SCRIPT, PictureTraits, TextTraits
from serving.encoding.encoders import NgramEncoder, WordEncoder
from serving.encoding.ngrams import VIEWS
from serving.listing.text import Text
from tests.support import tiny


@pytest.fixture
def classifier(classifier_root: Path) -> Iterator[Classifier]:
    with Classifier.load(classifier_root / "models" / "classifier") as loaded:
        yield loaded


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Piscine gonflable pour les enfants avec une pompe", "french"),
        ("The inflatable pool for children, with a pump", "english"),
        ("Das aufblasbare Becken für Kinder und Hunde", "german"),
        ("La piscina hinchable para los niños y su familia", "spanish"),
        ("Il libro della cucina che non è per tutti", "italian"),
        ("Het opblaasbare zwembad voor kinderen met een pomp", "dutch"),
        ("Uma piscina com bomba não é mais para os meninos", "portuguese"),
        ("Надувной бассейн для детей", OTHER_SCRIPT),
        ("儿童充气泳池 PVC", OTHER_SCRIPT),
        ("Pokemon 025/185 NM", NO_LANGUAGE),
        ("\ud800", NO_LANGUAGE),
    ],
)
def test_languages_are_hinted_at_by_their_frequent_words(text: str, language: str) -> None:
    assert TextTraits.of(Text(text, ""), None).language == language


def test_letters_are_counted_as_they_are_read() -> None:
    traits = TextTraits.of(Text("été à 5 €", "x"), 0.25)
    assert (traits.designation_length, traits.description_length) == (9, 1)
    assert traits.diacritics == 3 / 11  # of designation, space and description
    assert traits.rarity == 0.25


def test_brightness_and_contrast_are_mean_and_deviation() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    traits = PictureTraits.of(pixels, 99)
    assert traits.brightness == pixels.sum() / pixels.size
    assert traits.contrast == pytest.approx(pixels.astype(float).std(), rel=1e-12)
    blank = PictureTraits.of(np.full((16, 16, 3), 7, np.uint8), None)
    assert (blank.brightness, blank.contrast) == (7.0, 0.0)


@pytest.mark.parametrize("side", [4, 16, 66, 130, 250])
def test_a_layout_is_the_mean_colour_of_each_cell(side: int) -> None:
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[:, side // 2 + 1 :, 0] = 200
    cells = PictureTraits.of(pixels, None).layout.reshape(4, 4, 3)
    assert (cells[:, 0] == 0).all()
    assert (cells[:, 3] == [200, 0, 0]).all()


def test_a_text_is_as_rare_as_its_words() -> None:
    texts = [Text("un livre", "")] * 50 + [Text("une piscine bleue", "")]
    words = WordEncoder.fit(texts, 100, (8, 8), 2, 64)
    grams = NgramEncoder.fit(texts, 12, 1, dict.fromkeys(VIEWS, 1.0))
    for encoder in (words, grams):
        _, (common, rare, unknown) = encoder.encode_with_rarity(
            [Text("un livre", ""), Text("bleue piscine", ""), Text("xylophone qwz", "")]
        )
        assert common is not None
        assert rare is not None
        assert unknown is not None
        assert 0 <= common < rare <= unknown <= 1
    assert words.encode_with_rarity([Text("xylophone", "")])[1] == [1.0]
    assert words.encode_with_rarity([Text("!", "")])[1] == [None]


def test_rarity_comes_with_the_same_inputs() -> None:
    texts = [Text("un livre", "de poche"), Text("piscine", "")]
    for encoder in (
        WordEncoder.fit(texts, 10, (4, 4), 2, 64),
        NgramEncoder.fit(texts, 8, 1, dict.fromkeys(VIEWS, 1.0)),
    ):
        inputs, _ = encoder.encode_with_rarity(texts)
        expected = encoder.encode(texts)
        assert inputs.keys() == expected.keys()
        assert all((inputs[name] == expected[name]).all() for name in inputs)


def test_an_answer_carries_the_traits_of_what_was_read(classifier: Classifier) -> None:
    picture = tiny.picture("white")
    answers = classifier.predict(
        [
            Product("<b>Livre</b>", "", picture),
            Product("livre"),
            Product("livre", image=b"no picture"),
            Product(),
        ]
    )
    both, *others = [answer.traits for answer in answers]
    assert both.text.designation_length == 5
    assert both.picture.brightness > 250
    assert both.picture.size == len(picture)
    assert [of is not None and of.text is not None for of in others] == [True, True, False]
    assert all(of is not None and of.picture is None for of in others)
