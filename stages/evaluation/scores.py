"""Scores of a classifier: pure functions from probabilities and labels to figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import beta, norm
from sklearn.metrics import accuracy_score, f1_score, log_loss

INTERVAL = 0.95
"""Confidence of the interval of a share."""


def scores(p: np.ndarray, labels: np.ndarray, bins: int) -> dict[str, Any]:
    """Accuracy, F1 and calibration of probabilities [n, codes] for `labels` [n] (columns)."""
    if not len(labels):
        return {"products": 0}
    answered = p.argmax(axis=1)
    return {
        "products": len(labels),
        "accuracy": float(accuracy_score(labels, answered)),
        "weighted_f1": float(f1_score(labels, answered, average="weighted", zero_division=0)),
        "macro_f1": float(
            f1_score(labels, answered, labels=np.unique(labels), average="macro", zero_division=0)
        ),
        "log_loss": float(log_loss(labels, p, labels=np.arange(p.shape[1]))),
        "calibration_error": calibration_error(p.max(axis=1), answered == labels, bins),
    }


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    """Expected calibration error with equal-width bins (Naeini et al., 2015; Guo et al., 2017)."""
    table = reliability(confidence, right, bins)
    return float(sum(row["share"] * abs(row["accuracy"] - row["confidence"]) for row in table))


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int) -> list[dict[str, float]]:
    """For each bin that holds answers: mean confidence, accuracy, share of all answers, answers."""
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "confidence": float(confidence[bin_of == number].mean()),
            "accuracy": float(right[bin_of == number].mean()),
            "share": float((bin_of == number).mean()),
            "products": int((bin_of == number).sum()),
        }
        for number in np.unique(bin_of)
    ]


def coverage_curve(confidence: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coverage and precision, each [n], when the surest 1..n answers are accepted."""
    order = np.argsort(-confidence, kind="stable")
    kept = np.arange(1, len(order) + 1)
    return kept / len(order), right[order].cumsum() / kept


def coverage_at(confidence: np.ndarray, right: np.ndarray, precision: float) -> float:
    """Largest share of answers that can be accepted with `precision` of them right."""
    coverage, reached = coverage_curve(confidence, right)
    distinct = np.append(np.diff(np.sort(-confidence)) != 0, True)[: len(confidence)]
    enough = np.flatnonzero((reached >= precision) & distinct)  # a threshold divides no tie
    return float(coverage[enough[-1]]) if len(enough) else 0.0


def acceptance(right: np.ndarray, accepted: np.ndarray, groups: np.ndarray) -> dict[str, Any]:
    """What became of n answers, and how many of the accepted are right, with its interval.

    `right` and `accepted` are bool [n], near-duplicate `groups` int [n]. `low` and `high` are None,
    as `precision` is, where nothing was accepted.
    """
    count, good = int(accepted.sum()), int(right[accepted].sum())
    low, high = wilson(right[accepted], groups[accepted]) if count else (None, None)
    return {
        "answers": len(right),
        "accepted": count,
        "accepted_right": good,
        "reviewed": len(right) - count,
        "reviewed_right": int(right.sum()) - good,
        "coverage": count / len(right) if len(right) else None,
        "precision": good / count if count else None,
        "low": low,
        "high": high,
    }


def wilson(right: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """The score interval of a share (Wilson, 1927) for new products; n > 0.

    Near-duplicates count together, as `_independent` has it.
    """
    share, n = right.mean(), _independent(groups)
    z = norm.ppf((1 + INTERVAL) / 2)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float(max(centre - half, 0)), float(min(centre + half, 1))


def clopper_pearson(right: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """The exact interval of a share (Clopper and Pearson, 1934) for new products; n > 0.

    It holds for however few products, at the price of some width. Near-duplicates count together,
    as `_independent` has it (Korn and Graubard, 1998).
    """
    n, tail = _independent(groups), (1 - INTERVAL) / 2
    good = right.mean() * n
    low = 0.0 if not right.any() else beta.ppf(tail, good, n - good + 1)
    high = 1.0 if right.all() else beta.ppf(1 - tail, good + 1, n - good)
    return float(low), float(high)


def _independent(groups: np.ndarray) -> float:
    """As how many independent products n near-duplicate ones count that are all right or all wrong
    together: their number divided by the design effect of groups of unequal size (Kish, 1965,
    "Survey Sampling")."""
    sizes = np.unique(groups, return_counts=True)[1]
    return float(len(groups) ** 2 / (sizes**2).sum())
