"""The promise of acceptance: kept with the certainty that is asked, over many draws."""

from __future__ import annotations

import numpy as np
import pytest

from stages.fusion.acceptance import NEVER, acceptance_threshold

PRECISION, CERTAINTY = 0.95, 0.9


def draw(count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated answers, two thirds of them sure."""
    confidence = random.beta(3, 0.4, count)
    return confidence, random.random(count) < confidence


def threshold(confidence: np.ndarray, right: np.ndarray, groups: np.ndarray | None = None) -> float:
    if groups is None:
        groups = np.arange(len(right))
    return acceptance_threshold(confidence, right, groups, PRECISION, CERTAINTY)


@pytest.mark.parametrize("count", [200, 2000])
def test_new_products_keep_the_promise_in_as_many_draws_as_asked(count: int) -> None:
    """The mean confidence of accepted answers is their true precision: they are calibrated."""
    random = np.random.default_rng(0)
    fresh, _ = draw(200_000, random)
    broken = 0
    for _ in range(200):
        least = threshold(*draw(count, random))
        accepted = fresh[fresh >= least]
        broken += len(accepted) > 0 and accepted.mean() < PRECISION
    # 20 are expected at most; three standard deviations more are chance.
    assert broken <= 20 + 3 * 4.3


@pytest.mark.parametrize(("count", "share"), [(500, 0.3), (2000, 0.5), (20_000, 0.55)])
def test_much_is_accepted_all_the_same(count: int, share: float) -> None:
    """Knowing every error, three in five could be."""
    random = np.random.default_rng(1)
    covered = []
    for _ in range(20):
        confidence, right = draw(count, random)
        covered.append((confidence >= threshold(confidence, right)).mean())
    assert np.mean(covered) > share


def test_near_duplicates_prove_nothing_more() -> None:
    confidence, right = draw(300, np.random.default_rng(2))
    once = threshold(confidence, right)
    assert once < NEVER
    four = np.arange(1200) // 4
    assert threshold(np.repeat(confidence, 4), np.repeat(right, 4), four) == once
    few = threshold(np.repeat(confidence[:40], 30), np.ones(1200, bool), np.arange(1200) // 30)
    assert few == NEVER


def test_a_group_is_wrong_with_any_of_its_accepted_answers() -> None:
    confidence = np.linspace(0.99, 0.5, 400)
    groups = np.arange(400) // 2
    right = np.ones(400, bool)
    assert threshold(confidence, right, groups) == 0.5
    right[1::2] = False
    assert threshold(confidence, right, groups) == NEVER


def test_one_early_error_does_not_shut_the_door() -> None:
    confidence = np.linspace(1, 0.5, 1000)
    right = np.ones(1000, bool)
    right[:5] = False
    assert threshold(confidence, right) == 0.5


def test_the_surest_are_accepted_where_most_are_wrong() -> None:
    confidence = np.linspace(1, 0, 4000)
    right = np.arange(4000) < 300
    assert 0.9 < threshold(confidence, right) < 0.96


def test_a_tie_is_accepted_whole_or_not_at_all() -> None:
    confidence = np.repeat([0.9, 0.8], [300, 300])
    right = np.arange(600) < 450  # the upper half of the lower tie
    assert threshold(confidence, right) == 0.9
    assert threshold(confidence, right[::-1]) == NEVER


@pytest.mark.parametrize("count", [0, 1, 58])
def test_too_few_answers_prove_nothing(count: int) -> None:
    assert threshold(np.full(count, 0.99), np.ones(count, bool)) == NEVER


def test_59_answers_without_an_error_are_the_fewest() -> None:
    assert threshold(np.full(59, 0.99), np.ones(59, bool)) == 0.99


def test_more_certainty_accepts_less() -> None:
    confidence, right = draw(2000, np.random.default_rng(3))
    groups = np.arange(2000)
    low, high = (
        acceptance_threshold(confidence, right, groups, PRECISION, certainty)
        for certainty in (0.5, 0.99)
    )
    assert low < high < NEVER
