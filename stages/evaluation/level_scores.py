"""How right answers are at each level above their codes, and where they stand."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score

from serving.classifier.fusion import Fusion
from serving.classifier.levels import Levels, standing
from stages.evaluation.scores import acceptance


def level_scores(
    levels: Levels,
    fusion: Fusion,
    p: np.ndarray,
    labels: np.ndarray,
    state: np.ndarray,
    groups: np.ndarray,
) -> dict[str, dict[str, Any]]:
    """Figures of each level by its number, from 1, the most general.

    Of probabilities `p` [n, codes] for `labels` (columns), with `state` and near-duplicate `groups`
    [n]. A code that has nothing above it at a level counts there as it is. `stand_here` are the
    answers that may stand at the level and no deeper.
    """
    answered = p.argmax(axis=1)
    accepted = fusion.accepted(p.max(axis=1), state, answered)
    confidence = levels.confidence(p, answered)
    stands = standing(confidence, accepted, fusion.least_of_levels(state, len(levels)))
    figures = {}
    deeper = [*stands[1:], accepted]
    for level in range(len(levels)):
        actual, found = levels.at(level, labels), levels.at(level, answered)
        here = stands[level] & ~deeper[level]
        figures[str(level + 1)] = {
            "accuracy": float(accuracy_score(actual, found)),
            "weighted_f1": float(f1_score(actual, found, average="weighted", zero_division=0)),
            "macro_f1": float(
                f1_score(actual, found, labels=np.unique(actual), average="macro", zero_division=0)
            ),
            "stand_here": acceptance(actual == found, here, groups),
        }
    return figures
