"""Ridge regression on bags of n-grams, held against scikit-learn's on the copies written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge

from serving.encoding.encoders import NgramEncoder, pad
from serving.encoding.ngrams import VIEWS, grams
from serving.listing.text import Text
from stages.text import ridge as module
from stages.text.bags import Bags
from stages.text.ridge import ridge

BITS = 12
TEXTS = [
    Text(title, description)
    for title, description in (
        ("Piscine Tubulaire 3m", "Ronde, avec échelle"),
        ("piscine gonflable", ""),
        ("Jeu PS4 FIFA", "Jeu de football"),
        ("JEU XBOX", "Course de voitures"),
        ("Roman Policier", "Un inspecteur mène l'enquête"),
        ("Livre De Cuisine", ""),
        ("", "Roman illustré"),
    )
    for _ in range(3)
]
LABELS = np.repeat([0, 0, 1, 1, 2, 2, 2], 3)
ENCODER = NgramEncoder.fit(TEXTS, BITS, 1, dict.fromkeys(VIEWS, 0.5))


def bags(texts: list[Text]) -> Bags:
    return Bags.of([grams(text, BITS) for text in texts], ENCODER)


def dense(texts: list[Text], columns: np.ndarray) -> np.ndarray:
    inputs = pad(ENCODER.rows(texts))
    found = np.zeros((len(texts), 2**BITS))
    for row, (buckets, values) in enumerate(zip(inputs["buckets"], inputs["values"], strict=True)):
        np.add.at(found[row], buckets, values)
    return found[:, columns]


def test_a_bag_is_the_product_as_written_and_in_small_letters() -> None:
    made = bags(TEXTS)
    kernel = np.random.default_rng(1).normal(size=(len(made.columns), 3)).astype(np.float32)
    written, small = made.scores(kernel)
    assert np.allclose(written, dense(TEXTS, made.columns) @ kernel, atol=1e-5)
    lowered = [text.lower() for text in TEXTS]
    assert np.allclose(small, dense(lowered, made.columns) @ kernel, atol=1e-5)


def test_the_way_back_is_the_transpose() -> None:
    made, random = bags(TEXTS), np.random.default_rng(2)
    kernel = random.normal(size=(len(made.columns), 3)).astype(np.float32)
    written, small = random.normal(size=(2, len(TEXTS), 3)).astype(np.float32)
    there = made.scores(kernel)
    one = (written * there[0]).sum() + (small * there[1]).sum()
    assert one == pytest.approx((kernel * made.back(written, small)).sum(), rel=1e-4)


def test_columns_are_the_buckets_that_occur_in_their_order() -> None:
    made = bags(TEXTS)
    occur = {bucket for text in TEXTS for bucket in grams(text, BITS).buckets.tolist()}
    assert made.columns.tolist() == sorted(occur)


def test_it_is_the_least_squares_solution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEPS", 100)
    monkeypatch.setattr(module, "_BAND", 100)  # several, the last one short
    made = bags(TEXTS)
    weights = np.linspace(0.5, 2, len(TEXTS)).astype(np.float32)
    kernel, bias = ridge(made, LABELS, 4, weights, 0.1, 0.25)
    both = np.vstack([dense(TEXTS, made.columns), dense([t.lower() for t in TEXTS], made.columns)])
    expected = Ridge(alpha=0.25, tol=1e-8, solver="sparse_cg").fit(
        csr_matrix(both),
        np.tile(np.eye(4)[LABELS], (2, 1)),
        np.concatenate([0.9 * weights, 0.1 * weights]),
    )
    assert np.abs(kernel - expected.coef_.T).max() < 1e-3
    assert np.abs(bias - expected.intercept_).max() < 1e-3
    assert not kernel[:, 3].any()  # a code that no product has
    assert bias[3] == 0


def test_many_codes_are_solved_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    made, weights = bags(TEXTS), np.linspace(0.5, 2, len(TEXTS)).astype(np.float32)
    kernel, bias = ridge(made, LABELS, 5, weights, 0.1, 0.25)
    monkeypatch.setattr(module, "_CODES", 2)  # several blocks, the last one short
    again, bias_again = ridge(made, LABELS, 5, weights, 0.1, 0.25)
    assert np.allclose(again, kernel, atol=1e-5)
    assert np.allclose(bias_again, bias, atol=1e-5)


def test_the_answers_are_those_of_a_stricter_solution(monkeypatch: pytest.MonkeyPatch) -> None:
    made, weights = bags(TEXTS), np.ones(len(TEXTS), np.float32)
    found = []
    for steps in (module.STEPS, 100):
        monkeypatch.setattr(module, "STEPS", steps)
        kernel, bias = ridge(made, LABELS, 3, weights, 0.1, 0.25)
        found.append(made.scores(kernel)[0] + bias)
    assert np.abs(found[0] - found[1]).max() < 0.02
    assert (found[0].argmax(axis=1) == LABELS).all()


def test_products_without_a_known_n_gram_get_the_prior() -> None:
    made = bags([*TEXTS, Text("", "")])
    written, small = made.scores(np.ones((len(made.columns), 2), np.float32))
    assert not written[-1].any()
    assert not small[-1].any()
