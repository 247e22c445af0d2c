"""Two classifiers on the same products: is their difference more than noise?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest


@dataclass(frozen=True)
class Interval:
    """A difference with its bootstrap interval."""

    difference: float
    low: float
    high: float


def weighted_f1(labels: np.ndarray, found: np.ndarray, codes: int) -> float:
    """F1 of each code, weighted by its products; columns of codes, int [n] each."""
    counts = np.bincount(labels, minlength=codes)
    right = np.bincount(labels[labels == found], minlength=codes)
    total = counts + np.bincount(found, minlength=codes)
    f1 = np.divide(2 * right, total, out=np.zeros(codes), where=total > 0)
    return float(f1 @ counts / counts.sum())


def f1_interval(
    labels: np.ndarray,
    old: np.ndarray,
    new: np.ndarray,
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> Interval:
    """Weighted F1 of `new` less that of `old`, with a paired percentile bootstrap interval.

    Products are drawn with replacement, and both classifiers are scored on the same draw, so what
    is hard for both cancels out (Efron and Tibshirani, 1993, "An Introduction to the Bootstrap").
    """
    codes = int(max(labels.max(), old.max(), new.max())) + 1

    def difference(rows: np.ndarray) -> float:
        return weighted_f1(labels[rows], new[rows], codes) - weighted_f1(
            labels[rows], old[rows], codes
        )

    random = np.random.default_rng(seed)
    drawn = [difference(random.integers(0, len(labels), len(labels))) for _ in range(resamples)]
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(difference(np.arange(len(labels))), float(low), float(high))


def mcnemar(labels: np.ndarray, old: np.ndarray, new: np.ndarray) -> tuple[int, int, float]:
    """Products only `old` has right, those only `new` has right, and the exact two-sided p-value
    that both kinds are equally likely (McNemar, 1947)."""
    only_old = int(((old == labels) & (new != labels)).sum())
    only_new = int(((new == labels) & (old != labels)).sum())
    if only_old + only_new == 0:
        return 0, 0, 1.0
    return only_old, only_new, float(binomtest(only_new, only_old + only_new).pvalue)
