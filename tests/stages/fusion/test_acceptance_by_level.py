"""A promise for each level: of what stands there and no deeper."""

from __future__ import annotations

import numpy as np

from serving.classifier.levels import Levels, standing
from serving.listing.labels import Label, Node
from stages.fusion.acceptance import NEVER
from stages.fusion.acceptance_by_level import thresholds_by_level

PARENTS, CHILDREN = 4, 5
CODES = PARENTS * CHILDREN
LEVELS = Levels.of(
    {
        code: Label(str(code), str(code), (Node(100 + code // CHILDREN, "", ""),))
        for code in range(CODES)
    }
)


def answers(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities and labels: parents are told apart well, their children hardly."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(count, CODES)) + np.repeat(
        4 * random.normal(size=(count, PARENTS)), CHILDREN, axis=1
    )
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return p, (p.cumsum(axis=1) < random.random((count, 1))).sum(axis=1)


def learnt(p: np.ndarray, labels: np.ndarray, accepted: np.ndarray) -> tuple[float, ...]:
    groups = np.arange(len(p))
    return thresholds_by_level(LEVELS, p, accepted, labels, groups, 0.95, 0.9)


def test_parents_stand_where_codes_may_not_and_keep_the_promise() -> None:
    p, labels = answers(1500, seed=1)
    (least,) = learnt(p, labels, np.zeros(len(p), bool))
    assert least < NEVER
    fresh, actual = answers(20_000, seed=2)
    answered = fresh.argmax(axis=1)
    confidence = LEVELS.confidence(fresh, answered)
    stands = standing(confidence, np.zeros(len(fresh), bool), np.full(confidence.shape, least))[0]
    assert stands.mean() > 0.3
    right = LEVELS.at(0, answered) == LEVELS.at(0, actual)
    assert right[stands].mean() > 0.94


def test_those_that_are_accepted_deeper_do_not_count() -> None:
    p, labels = answers(1500, seed=1)
    answered = p.argmax(axis=1)
    confidence = LEVELS.confidence(p, answered)[0]
    sure = confidence > np.quantile(confidence, 0.4)
    (alone,) = learnt(p, labels, np.zeros(len(p), bool))
    (rest,) = learnt(p, labels, sure)
    assert alone < NEVER
    assert rest == NEVER  # what is left is right too seldom


def test_without_levels_there_is_none() -> None:
    flat = Levels.of({code: Label("", "") for code in range(CODES)})
    p, labels = answers(50, seed=1)
    nothing = np.zeros(50, bool)
    assert thresholds_by_level(flat, p, nothing, labels, np.arange(50), 0.95, 0.9) == ()
