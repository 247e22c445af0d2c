"""The word encoder: which words it learns, which numbers they get, and what it stores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from serving.classifier.encoders import ENCODER, WordEncoder, read_encoder, words
from serving.classifier.text import Text

TEXTS = [Text("Livre d'été", "un livre neuf"), Text("ÉTÉ", "piscine; livre_neuf")]


def test_words_are_lower_case_without_accents_and_parted_by_punctuation() -> None:
    assert words("L'Été_2024, déjà-vu! 日本") == ["l", "ete", "2024", "deja", "vu", "日本"]
    assert words(" _-! ") == []


def test_the_most_frequent_words_are_learnt_and_ties_are_alphabetical() -> None:
    assert WordEncoder.fit(TEXTS, size=100, length=4).vocabulary == (
        *("livre", "ete", "neuf"),
        *("d", "piscine", "un"),
    )
    assert WordEncoder.fit(TEXTS, size=2, length=4).vocabulary == ("livre", "ete")


def test_the_order_of_the_texts_does_not_matter() -> None:
    forwards, backwards = (WordEncoder.fit(texts, 5, 4) for texts in (TEXTS, TEXTS[::-1]))
    assert forwards.vocabulary == backwards.vocabulary


def test_words_become_numbers_title_first_padded_at_the_end() -> None:
    encoder = WordEncoder(["livre", "ete"], length=5)
    inputs = encoder.encode([Text("Été inconnu", "LIVRE"), Text("", ""), Text("", "livre")])
    assert list(inputs) == ["words"]
    assert inputs["words"].dtype == np.int32
    assert inputs["words"].tolist() == [[3, 1, 2, 0, 0], [0] * 5, [2, 0, 0, 0, 0]]


def test_only_the_first_words_are_read() -> None:
    encoder = WordEncoder(["a", "b", "c"], length=2)
    listings = [Text("a b c", "c"), Text("a", "b c"), Text("", "c b a"), Text("a b", "c")]
    assert encoder.encode(listings)["words"].tolist() == [[2, 3], [2, 3], [4, 3], [2, 3]]


def test_no_texts_give_no_rows() -> None:
    assert WordEncoder(["a"], length=3).encode([])["words"].shape == (0, 3)


def test_reading_gives_what_was_written(tmp_path: Path) -> None:
    encoder = WordEncoder.fit(TEXTS, size=100, length=7)
    encoder.write(tmp_path)
    read = read_encoder(tmp_path)
    assert isinstance(read, WordEncoder)
    assert (read.vocabulary, read.length) == (encoder.vocabulary, 7)
    np.testing.assert_array_equal(read.encode(TEXTS)["words"], encoder.encode(TEXTS)["words"])


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / ENCODER).write_text(json.dumps({"kind": "runes"}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"encoder\.json: kind 'runes' is unknown"):
        read_encoder(tmp_path)
