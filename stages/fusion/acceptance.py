"""From which confidence on answers are accepted: a promise about new products, kept with certainty.

Held-out answers are taken in the order of their confidence, in growing sets, and each set is asked
whether so few errors could come of less precision than is asked: an exact binomial test (Clopper
and Pearson, 1934), whatever the confidences are like. As the sets are tested in an order that no
error decides, and a set is tested only while those before it passed, all of them together are
wrong with a probability of 1 - certainty at most (Angelopoulos et al., 2021, "Learn then Test:
Calibrating Predictive Algorithms to Achieve Risk Control"). A small set fails by one unlucky error,
and a large one because it asks too much: so the probability of error is divided between two
beginnings, the second of which is tested even when what came before it failed (fallback procedure:
Wiens and Dmitrienko, 2005).

Near-duplicates are right or wrong together, so a group counts once: as wrong if any of its accepted
answers is.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

NEVER = 2.0
"""A threshold that no confidence reaches."""

BEGINNINGS = (0.05, 0.25)
"""Shares of the groups with which testing begins: of answers to held-out products of the extract,
these let most be accepted, from 250 products with both to 2,500 with text."""

STEP = 0.01
"""Share of the groups by which the sets grow."""


def fewest_groups(precision: float, certainty: float) -> int:
    """Near-duplicate groups without an error that prove `precision`, at the least."""
    return int(np.ceil(np.log((1 - certainty) / len(BEGINNINGS)) / np.log(precision)))


def acceptance_threshold(
    confidence: np.ndarray,
    right: np.ndarray,
    groups: np.ndarray,
    precision: float,
    certainty: float,
) -> float:
    """The least confidence from which on `precision` of new answers are right; NEVER if none.

    True with probability `certainty`, of products that are drawn as the held-out ones were:
    `confidence` float [n], `right` bool [n], near-duplicate `groups` int [n].
    """
    if not len(confidence):
        return NEVER
    order = np.argsort(-confidence, kind="stable")
    counted = _first(groups[order]).cumsum()
    wrong = np.zeros(len(order), int)
    missed = np.flatnonzero(~right[order])
    wrong[missed[_first(groups[order][missed])]] = 1
    chance = binom.cdf(wrong.cumsum(), counted, 1 - precision)

    total, share = counted[-1], (1 - certainty) / len(BEGINNINGS)
    fewest = fewest_groups(precision, certainty)
    begin = [max(fewest, round(part * total)) for part in BEGINNINGS]
    sizes = {*begin, *(round(part * total) for part in np.arange(STEP, 1 + STEP / 2, STEP))}
    ends = np.flatnonzero(np.append(np.diff(confidence[order]) != 0, True))  # never within a tie
    level, threshold = 0.0, NEVER
    for size in sorted(size for size in sizes if min(begin) <= size <= total):
        level += share * begin.count(size)
        reached = counted[ends][np.searchsorted(counted[ends], size)]
        end = ends[np.searchsorted(counted[ends], reached, side="right") - 1]
        if chance[end] <= level:
            threshold = float(confidence[order[end]])
        else:
            level = 0.0
    return threshold


def _first(values: np.ndarray) -> np.ndarray:
    """Bool [n]: whether a value was not seen before."""
    seen = np.zeros(len(values), bool)
    seen[np.unique(values, return_index=True)[1]] = True
    return seen
