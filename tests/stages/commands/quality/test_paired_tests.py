"""Differences between two classifiers on the same products, and how sure they are."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from stages.commands.quality.paired_tests import (
    ClassifierAnswers,
    Interval,
    accepted_precision,
    intervals,
    macro_f1,
    mcnemar,
    weighted_f1,
)

RANDOM = np.random.default_rng(5)
LABELS = RANDOM.integers(0, 9, 600)
ALONE = np.arange(len(LABELS))


def erring(share: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    wrong = random.random(len(LABELS)) < share
    return np.where(wrong, (LABELS + random.integers(1, 9, len(LABELS))) % 9, LABELS)


def answers(found: np.ndarray, accepted: np.ndarray | None = None) -> ClassifierAnswers:
    return ClassifierAnswers(
        found, np.ones(len(found)), np.ones(len(found), bool) if accepted is None else accepted
    )


def compared(
    old: ClassifierAnswers, new: ClassifierAnswers, groups: np.ndarray = ALONE
) -> dict[str, Interval]:
    return intervals(
        {"f1": weighted_f1, "precision": accepted_precision},
        LABELS,
        old,
        new,
        groups,
        confidence=0.95,
        resamples=500,
        seed=0,
    )


def interval(
    old: np.ndarray, new: np.ndarray, groups: np.ndarray = ALONE
) -> tuple[float, float, float]:
    found = compared(answers(old), answers(new), groups)["f1"]
    return found.low, found.difference, found.high


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_f1_is_scikit_learn_s(share: float) -> None:
    found = erring(share, 1)
    for figure, average in ((weighted_f1, "weighted"), (macro_f1, "macro")):
        expected = f1_score(LABELS, found, average=average, zero_division=0)
        assert figure(LABELS, answers(found)) == pytest.approx(expected, abs=1e-12)
    some = LABELS < 3
    expected = f1_score(LABELS[some], found[some], labels=[0, 1, 2], average="macro")
    assert macro_f1(LABELS[some], answers(found[some])) == pytest.approx(expected, abs=1e-12)


def test_a_real_gain_lies_above_zero_and_a_loss_below() -> None:
    low, difference, high = interval(erring(0.4, 1), erring(0.1, 2))
    assert 0 < low < difference < high
    low, difference, high = interval(erring(0.1, 2), erring(0.4, 1))
    assert low < difference < high < 0


def test_noise_is_not_taken_for_a_gain() -> None:
    """Two equally good classifiers: about one interval in twenty may miss 0, not many more."""
    missed = 0
    for seed in range(20):
        low, _, high = interval(erring(0.2, 2 * seed), erring(0.2, 2 * seed + 1))
        missed += not low <= 0 <= high
    assert missed <= 3


def test_near_duplicates_are_drawn_together() -> None:
    """A hundred copies of one product that turned wrong are one loss, not a hundred."""
    old = LABELS.copy()
    new = LABELS.copy()
    copies = np.flatnonzero(LABELS == 3)
    new[copies] = 4
    groups = ALONE.copy()
    groups[copies] = copies[0]
    low, difference, high = interval(old, new)
    assert low < difference < high < 0
    low, difference, high = interval(old, new, groups)
    assert low < difference < high == 0


def test_pairing_narrows_the_interval() -> None:
    old = erring(0.3, 1)
    new = old.copy()
    mended = np.flatnonzero(old != LABELS)[:12]
    new[mended] = LABELS[mended]
    low, _, high = interval(old, new)
    other_low, _, other_high = interval(old, erring(0.28, 9))
    assert low > 0
    assert high - low < (other_high - other_low) / 2


def test_a_classifier_against_itself_differs_by_nothing() -> None:
    found = erring(0.3, 1)
    assert interval(found, found) == (0, 0, 0)
    assert not compared(answers(found), answers(found))["f1"].told_apart
    assert mcnemar(LABELS, found, found) == (0, 0, 1.0)


def test_the_accepted_are_judged_by_themselves() -> None:
    found = erring(0.3, 1)
    right = found == LABELS
    half = np.arange(len(LABELS)) % 2 == 0
    precision = compared(answers(found, right), answers(found, half))["precision"]
    assert precision.old == 1
    assert precision.new == right[half].mean()
    assert precision.high < 0
    nothing = compared(answers(found, right), answers(found, right & False))["precision"]
    assert np.isnan(nothing.new)
    assert nothing.told_apart


def test_mcnemar_counts_who_alone_is_right() -> None:
    labels = np.zeros(20, int)
    old, new = np.ones(20, int), np.ones(20, int)
    old[:2] = 0
    new[1:10] = 0
    only_old, only_new, p = mcnemar(labels, old, new)
    assert (only_old, only_new) == (1, 8)
    assert p == pytest.approx(2 * (1 + 9) / 2**9)  # exact binomial, two-sided
