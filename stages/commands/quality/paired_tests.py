"""Two classifiers on the same products: is their difference more than noise?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest


@dataclass(frozen=True)
class ClassifierAnswers:
    """What one classifier says of n products: columns of codes, int [n], how sure it is, float [n],
    and which of its answers it accepts, bool [n]."""

    codes: np.ndarray
    confidence: np.ndarray
    accepted: np.ndarray

    def of(self, rows: np.ndarray) -> ClassifierAnswers:
        """Those to the products `rows`."""
        return ClassifierAnswers(self.codes[rows], self.confidence[rows], self.accepted[rows])


Figure = Callable[[np.ndarray, ClassifierAnswers], float]
"""(labels, int [n], answers) -> one figure; NaN where there is none."""


@dataclass(frozen=True)
class Interval:
    """A figure of the old and of the new classifier, and the bootstrap interval of new less old."""

    old: float
    new: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """New less old."""
        return self.new - self.old

    @property
    def told_apart(self) -> bool:
        """Whether 0 lies outside of the interval; true of an interval that is no number."""
        return not self.low <= 0 <= self.high


def weighted_f1(labels: np.ndarray, answers: ClassifierAnswers) -> float:
    """F1 of each code, weighted by its products."""
    f1, counts = _f1(labels, answers)
    return float(f1 @ counts / counts.sum())


def macro_f1(labels: np.ndarray, answers: ClassifierAnswers) -> float:
    """Mean F1 of the codes that `labels` hold."""
    f1, counts = _f1(labels, answers)
    return float(f1[counts > 0].mean())


def accepted_precision(labels: np.ndarray, answers: ClassifierAnswers) -> float:
    """Share of the accepted answers that are right; NaN when none is accepted."""
    accepted = answers.accepted
    return float((answers.codes == labels)[accepted].mean()) if accepted.any() else float("nan")


def intervals(
    figures: Mapping[str, Figure],
    labels: np.ndarray,
    old: ClassifierAnswers,
    new: ClassifierAnswers,
    groups: np.ndarray,
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> dict[str, Interval]:
    """Each figure of both classifiers, with a paired percentile bootstrap interval.

    Near-duplicate `groups`, int [n], are drawn with replacement, whole, as their products are right
    or wrong together; both classifiers are scored on the same draw, so what is hard for both
    cancels out (Efron and Tibshirani, 1993, "An Introduction to the Bootstrap").
    """
    _, group = np.unique(groups, return_inverse=True)
    count = int(group.max()) + 1
    random = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in figures}
    for _ in range(resamples):
        times = np.bincount(random.integers(0, count, count), minlength=count)
        rows = np.repeat(np.arange(len(labels)), times[group])
        for name, figure in figures.items():
            before, after = (figure(labels[rows], answers.of(rows)) for answers in (old, new))
            drawn[name].append(after - before)
    tail = (1 - confidence) / 2
    measured = {}
    for name, figure in figures.items():
        differences = np.array(drawn[name])
        known = differences[~np.isnan(differences)]
        low, high = np.quantile(known, [tail, 1 - tail]) if len(known) else (np.nan, np.nan)
        measured[name] = Interval(figure(labels, old), figure(labels, new), float(low), float(high))
    return measured


def mcnemar(labels: np.ndarray, old: np.ndarray, new: np.ndarray) -> tuple[int, int, float]:
    """Products only `old` has right, those only `new` has right, and the exact two-sided p-value
    that both kinds are equally likely (McNemar, 1947)."""
    only_old = int(((old == labels) & (new != labels)).sum())
    only_new = int(((new == labels) & (old != labels)).sum())
    if only_old + only_new == 0:
        return 0, 0, 1.0
    return only_old, only_new, float(binomtest(only_new, only_old + only_new).pvalue)


def _f1(labels: np.ndarray, answers: ClassifierAnswers) -> tuple[np.ndarray, np.ndarray]:
    """F1 and products of each column of codes."""
    size = int(max(labels.max(), answers.codes.max())) + 1
    counts = np.bincount(labels, minlength=size)
    right = np.bincount(labels[labels == answers.codes], minlength=size)
    total = counts + np.bincount(answers.codes, minlength=size)
    return np.divide(2 * right, total, out=np.zeros(size), where=total > 0), counts
