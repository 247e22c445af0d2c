"""Vectors of words from their neighbours."""

from __future__ import annotations

import numpy as np

from serving.listing.text import Text
from stages.text.word_vectors import word_vectors

VOCABULARY = ["piscine", "bassin", "bache", "pompe", "console", "manette", "jeu", "isole"]
TEXTS = [
    Text("piscine bâche pompe", ""),
    Text("bassin bâche pompe", ""),
    Text("console manette jeu", "jeu manette"),
] * 5


def test_words_that_keep_the_same_company_are_alike() -> None:
    vectors = word_vectors(TEXTS, VOCABULARY, 4, seed=1)
    assert vectors.shape == (len(VOCABULARY) + 2, 4)
    assert vectors.dtype == np.float32
    word = dict(zip(VOCABULARY, vectors[2:], strict=True))
    assert word["piscine"] @ word["bassin"] > 0.9 * 0.25
    assert abs(word["piscine"] @ word["console"]) < 0.1 * 0.25


def test_padding_unknown_and_lonely_words_are_zero_and_the_rest_of_one_length() -> None:
    vectors = word_vectors(TEXTS, VOCABULARY, 4, seed=1)
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.allclose(lengths[[0, 1, -1]], 0, atol=1e-6)
    assert np.allclose(lengths[2:-1], 0.5, atol=1e-5)


def test_more_dimensions_than_words_and_no_text_at_all() -> None:
    assert word_vectors(TEXTS, VOCABULARY[:2], 9, seed=1).shape == (4, 9)
    assert not word_vectors([Text("", "")], VOCABULARY, 3, seed=1).any()
