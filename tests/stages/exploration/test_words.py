"""The words that tell a code from the others."""

from __future__ import annotations

import numpy as np

from stages.exploration.words import MOST, telling_words

TEXTS = ["le livre rare"] * 6 + ["le livre"] * 2 + ["le jeu"] * 7 + ["le jeu livre"]
CODES = np.repeat([10, 1280], 8)


def test_words_of_the_code_and_how_many_of_its_products_have_them() -> None:
    found = telling_words(TEXTS, CODES, [10, 1280])
    assert [(each.word, each.share) for each in found[10]] == [("rare", 0.75), ("livre", 1.0)]
    assert [(each.word, each.share) for each in found[1280]] == [("jeu", 1.0)]


def test_equally_telling_words_stand_in_the_order_of_their_names() -> None:
    texts = ["zorro bravo mikado"] * 4 + ["autre"] * 4
    found = telling_words(texts, np.repeat([10, 40], 4), [10, 40])
    assert [each.word for each in found[10]] == ["bravo", "mikado", "zorro"]


def test_a_word_of_too_few_products_and_numbers_tell_nothing() -> None:
    found = telling_words(
        ["rare 1234"] * 2 + ["le 1234"] * 9, np.array([10] * 2 + [40] * 9), [10, 40]
    )
    assert found == {10: [], 40: []}


def test_a_word_of_few_of_the_codes_products_is_not_told() -> None:
    texts = ["livre"] * 150 + ["livre rare"] * 4 + ["jeu"] * 150
    found = telling_words(texts, np.repeat([10, 40], [154, 150]), [10, 40])
    assert [each.word for each in found[10]] == ["livre"]


def test_no_more_words_than_are_read() -> None:
    texts = [" ".join(f"mot{letter}" for letter in "abcdefghijkl")] * 4 + ["autre"] * 4
    assert len(telling_words(texts, np.repeat([10, 40], 4), [10, 40])[10]) == MOST


def test_of_a_code_that_is_not_asked_nothing_is_told() -> None:
    assert list(telling_words(TEXTS, CODES, [1280])) == [1280]
