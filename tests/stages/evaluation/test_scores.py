"""The figures: against scikit-learn, and by hand where it has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, f1_score, log_loss

from stages.evaluation.scores import (
    acceptance,
    calibration_error,
    clopper_pearson,
    coverage_at,
    coverage_curve,
    reliability,
    scores,
    wilson,
)

Interval = Callable[[np.ndarray, np.ndarray], tuple[float, float]]
"""(right, groups) -> low, high."""


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    confidence = np.array([0.95, 0.93, 0.91, 0.97, 0.55, 0.15])
    right = np.array([True, True, True, False, False, False])
    # Bins of 0.1: four answers at 0.94 (0.75 right), one at 0.55 and one at 0.15 (none right).
    expected = 4 / 6 * (0.94 - 0.75) + 1 / 6 * 0.55 + 1 / 6 * 0.15
    assert calibration_error(confidence, right, 10) == pytest.approx(expected)


def test_gaps_in_one_bin_cancel_and_in_two_do_not() -> None:
    confidence, right = np.array([0.4, 0.6]), np.array([True, False])
    assert calibration_error(confidence, right, 2) == pytest.approx(0.6)
    assert calibration_error(np.array([0.6, 0.6]), right, 2) == pytest.approx(0.1)


def test_a_certain_answer_falls_into_the_last_bin() -> None:
    (row,) = reliability(np.array([1.0, 0.95]), np.array([True, False]), 10)
    assert row == {"confidence": 0.975, "accuracy": 0.5, "share": 1.0, "products": 2}


def test_bins_without_answers_are_left_out_and_shares_sum_to_one() -> None:
    table = reliability(np.array([0.05, 0.95, 0.96, 0.94]), np.ones(4, bool), 10)
    assert [row["share"] for row in table] == [0.25, 0.75]


def test_calibrated_answers_have_a_small_error_and_sure_wrong_ones_a_large() -> None:
    random = np.random.default_rng(0)
    confidence = random.uniform(0.1, 1, 50_000)
    right = random.random(50_000) < confidence
    assert calibration_error(confidence, right, 15) < 0.01
    assert calibration_error(np.ones(10), np.zeros(10, bool), 15) == 1


def test_coverage_counts_the_surest_first() -> None:
    confidence = np.array([0.6, 0.9, 0.7, 0.8])
    right = np.array([True, True, False, True])
    coverage, precision = coverage_curve(confidence, right)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    np.testing.assert_allclose(precision, [1, 1, 2 / 3, 3 / 4])


@pytest.mark.parametrize(
    ("precision", "coverage"), [(1.0, 0.5), (0.8, 0.5), (0.75, 1.0), (0.5, 1.0)]
)
def test_coverage_at_is_the_largest_that_keeps_the_precision(
    precision: float, coverage: float
) -> None:
    confidence, right = np.array([0.6, 0.9, 0.7, 0.8]), np.array([True, True, False, True])
    assert coverage_at(confidence, right, precision) == coverage


def test_coverage_at_is_nothing_where_no_answer_keeps_the_precision() -> None:
    assert coverage_at(np.array([0.9, 0.8]), np.zeros(2, bool), 0.5) == 0.0
    assert coverage_at(np.zeros(0), np.zeros(0, bool), 0.5) == 0.0


def test_scores_are_scikit_learn_s() -> None:
    random = np.random.default_rng(1)
    labels = random.choice(6, 500, p=[0.5, 0.2, 0.1, 0.1, 0.1, 0])  # column 5 never occurs
    p = random.dirichlet(np.ones(6), 500)
    p[np.arange(500), labels] += 0.5
    p /= p.sum(axis=1, keepdims=True)
    found = p.argmax(axis=1)
    assert 5 in found
    figures = scores(p, labels, 15)
    assert figures == {
        "products": 500,
        "accuracy": accuracy_score(labels, found),
        "weighted_f1": f1_score(labels, found, average="weighted"),
        # Of the codes that occur: one that is only answered would count as 0.
        "macro_f1": f1_score(labels, found, average=None, labels=range(5)).mean(),
        "log_loss": pytest.approx(log_loss(labels, p, labels=range(6))),
        "calibration_error": calibration_error(p.max(axis=1), found == labels, 15),
    }


def test_scores_of_one_product_and_of_none() -> None:
    assert scores(np.array([[0.2, 0.8]]), np.array([1]), 15)["macro_f1"] == 1
    assert scores(np.array([[0.2, 0.8]]), np.array([0]), 15)["weighted_f1"] == 0
    assert scores(np.zeros((0, 27)), np.zeros(0, int), 15) == {"products": 0}


@pytest.mark.parametrize(("right", "of"), [(180, 189), (0, 5), (5, 5), (1, 1)])
@pytest.mark.parametrize(("interval", "method"), [(wilson, "wilson"), (clopper_pearson, "exact")])
def test_intervals_are_those_of_scipy(
    interval: Interval, method: Literal["wilson", "exact"], right: int, of: int
) -> None:
    expected = binomtest(right, of).proportion_ci(method=method)
    found = interval(np.arange(of) < right, np.arange(of))
    assert found == pytest.approx((expected.low, expected.high))


def test_180_of_189_is_91_to_97_percent() -> None:
    low, high = wilson(np.arange(189) < 180, np.arange(189))
    assert (round(low, 3), round(high, 3)) == (0.912, 0.975)


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_near_duplicates_make_no_interval_narrower(interval: Interval) -> None:
    right = np.arange(100) < 90
    once = interval(right, np.arange(100))
    assert interval(np.repeat(right, 2), np.arange(200) // 2) == pytest.approx(once)
    one_group = np.r_[np.zeros(50, int), np.arange(1, 51)]
    assert interval(right, one_group)[0] < once[0]


def test_what_became_of_the_answers_is_counted() -> None:
    right = np.array([True, True, False, True, False, False])
    accepted = np.array([True, True, True, False, False, False])
    told = acceptance(right, accepted, np.arange(6))
    assert told["answers"] == 6
    assert (told["accepted"], told["accepted_right"]) == (3, 2)
    assert (told["reviewed"], told["reviewed_right"]) == (3, 1)
    assert told["precision"] == pytest.approx(2 / 3)
    assert 0 < told["low"] < 2 / 3 < told["high"] < 1
    nothing = acceptance(right, accepted & False, np.arange(6))
    assert (nothing["precision"], nothing["low"], nothing["coverage"]) == (None, None, 0)
    assert acceptance(right[:0], accepted[:0], np.arange(0))["coverage"] is None
