"""The promise for each code: kept by as many codes as asked, and by the others together."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from stages.fusion.acceptance import NEVER, acceptance_threshold
from stages.fusion.acceptance_by_code import thresholds_by_code

PRECISION, CERTAINTY = 0.95, 0.9


class Answers(NamedTuple):
    """Codes answered int [n], confidence float [n], and the probability of being right [n]."""

    code: np.ndarray
    confidence: np.ndarray
    truth: np.ndarray


Draw = Callable[[int, int, np.random.Generator], Answers]
"""(answers, codes, random) -> new answers."""


def calibrated(count: int, codes: int, random: np.random.Generator) -> Answers:
    """Of a fifth of the codes too sure by a quarter; some codes are ten times as frequent."""
    weights = np.geomspace(1, 10, codes)
    code = random.choice(codes, count, p=weights / weights.sum())
    confidence = random.beta(3, 0.4, count)
    return Answers(code, confidence, confidence * np.where(code % 5 == 0, 0.8, 1))


def hopeless(count: int, codes: int, random: np.random.Generator) -> Answers:
    """Never quite as right as asked, however sure."""
    code = random.integers(0, codes, count)
    return Answers(code, random.random(count), np.full(count, PRECISION - 0.005))


def learnt(answers: Answers, random: np.random.Generator) -> tuple[float, dict[int, float]]:
    right = random.random(len(answers.code)) < answers.truth
    return thresholds_by_code(
        answers.code, answers.confidence, right, np.arange(len(right)), PRECISION, CERTAINTY
    )


def broken(truth: np.ndarray) -> bool:
    return len(truth) > 0 and truth.mean() < PRECISION


@pytest.mark.parametrize(("draw", "count", "fewest"), [(calibrated, 8000, 10), (hopeless, 5000, 0)])
def test_as_many_promises_are_kept_as_asked(draw: Draw, count: int, fewest: int) -> None:
    """Of the codes with a threshold of their own, of the others, and of all together."""
    random, codes, draws = np.random.default_rng(0), 20, 40
    fresh = draw(100_000, codes, random)
    outcomes = []
    for _ in range(draws):
        threshold, own = learnt(draw(count, codes, random), random)
        least = np.full(codes, threshold)
        least[list(own)] = list(own.values())
        accepted = fresh.confidence >= least[fresh.code]
        others = accepted & ~np.isin(fresh.code, list(own))
        wrong = [broken(fresh.truth[accepted & (fresh.code == code)]) for code in own]
        outcomes.append(
            (
                sum(wrong) / max(len(own), 1),
                broken(fresh.truth[others]),
                broken(fresh.truth[accepted]),
                len(own),
            )
        )
    *shares, promised = np.mean(outcomes, axis=0)
    chance = 3 * np.sqrt(CERTAINTY * (1 - CERTAINTY) / draws)  # three standard deviations
    assert max(shares) <= 1 - CERTAINTY + chance
    assert promised >= fewest


def exact(*codes: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Code, confidence and right of answers: for each code its number of right and wrong ones, the
    surest of which are right."""
    code = np.repeat(np.arange(len(codes)), [right + wrong for right, wrong in codes])
    right = np.concatenate([np.arange(good + bad) < good for good, bad in codes])
    return code, np.concatenate([np.linspace(1, 0.5, good + bad) for good, bad in codes]), right


def thresholds(
    code: np.ndarray, confidence: np.ndarray, right: np.ndarray, groups: np.ndarray | None = None
) -> tuple[float, dict[int, float]]:
    groups = np.arange(len(code)) if groups is None else groups
    return thresholds_by_code(code, confidence, right, groups, PRECISION, CERTAINTY)


@pytest.mark.parametrize(("right", "own"), [(58, {}), (59, {0: 0.5})])
def test_59_answers_without_an_error_are_the_fewest(right: int, own: dict[int, float]) -> None:
    assert thresholds(*exact((right, 0), (0, 40)))[1] == own


def test_a_code_proves_more_beside_those_that_prove_nothing() -> None:
    """As one of two that are tried, a code is given half the chance of being lucky."""
    assert thresholds(*exact((60, 0), (0, 60)))[1] == {}
    assert thresholds(*exact((80, 0), (0, 60)))[1] == {0: 0.5}
    assert thresholds(*exact((60, 0), (60, 0)))[1] == {0: 0.5, 1: 0.5}
    assert thresholds(*exact((60, 0), (0, 58)))[1] == {0: 0.5}  # too few to be tried
    in_pairs = np.r_[np.arange(60), 60 + np.arange(100) // 2]
    assert thresholds(*exact((60, 0), (0, 100)), in_pairs)[1] == {0: 0.5}  # likewise


def test_near_duplicates_prove_nothing_more() -> None:
    code, confidence, right = exact((120, 0))
    assert thresholds(code, confidence, right)[1] == {0: 0.5}
    assert thresholds(code, confidence, right, np.arange(120) // 3)[1] == {}


def test_the_others_have_the_threshold_that_they_prove_themselves() -> None:
    """Not that of all, for which a code that is always right would have paid."""
    code, confidence, right = exact((600, 0), (20, 20), (20, 20))
    least, own = thresholds(code, confidence, right)
    assert own == {0: 0.5}
    assert least == NEVER
    of_all = acceptance_threshold(confidence, right, np.arange(len(code)), PRECISION, CERTAINTY)
    assert of_all < 0.8


def test_without_a_code_that_proves_one_all_is_as_by_state() -> None:
    random = np.random.default_rng(4)
    code, confidence = random.integers(0, 200, 3000), random.beta(3, 0.4, 3000)
    right = random.random(3000) < confidence
    least, own = thresholds(code, confidence, right)
    assert own == {}
    of_all = acceptance_threshold(confidence, right, np.arange(3000), PRECISION, CERTAINTY)
    assert least == of_all < NEVER


def test_no_answers_prove_nothing() -> None:
    assert thresholds(np.zeros(0, int), np.zeros(0), np.zeros(0, bool)) == (NEVER, {})
