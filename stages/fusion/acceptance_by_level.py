"""From which confidence on an answer may stand at a level above its code: a promise for each level.

Where a code may not stand, what it stands under may. What is promised of a level is the precision
of the answers that stand there and no deeper: those that stand deeper are surer, and would hide the
others' errors. So levels are learnt from the deepest up, each from the answers that are left.
"""

from __future__ import annotations

import numpy as np

from serving.classifier.levels import Levels
from stages.fusion.acceptance import acceptance_threshold


def thresholds_by_level(
    levels: Levels,
    p: np.ndarray,
    accepted: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    precision: float,
    certainty: float,
) -> tuple[float, ...]:
    """The threshold of each level, the most general first, NEVER if none.

    Held-out answers have probabilities `p` [n, codes] and are `accepted` as they are or not, bool
    [n]; all else is as `acceptance_threshold` has it.
    """
    answered = p.argmax(axis=1)
    confidence = levels.confidence(p, answered)
    thresholds: list[float] = []
    left = ~accepted
    for level in reversed(range(len(levels))):
        rows = left & (confidence[level] >= 0)
        right = levels.at(level, answered[rows]) == levels.at(level, labels[rows])
        least = acceptance_threshold(
            confidence[level][rows], right, groups[rows], precision, certainty
        )
        thresholds.append(least)
        left &= confidence[level] < least
    return tuple(reversed(thresholds))
