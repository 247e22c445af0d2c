"""Learning fusion and calibration."""

from __future__ import annotations

import numpy as np
import pytest

from serving.classifier.fusion import BranchLogits, softmax
from stages.evaluation.scores import calibration_error
from stages.fusion import fitting


def branch(labels: np.ndarray, strength: float, scale: float, seed: int) -> np.ndarray:
    """Logits that are calibrated before they are multiplied by `scale`."""
    random = np.random.default_rng(seed)
    evidence = random.normal(size=(len(labels), 5))
    evidence[np.arange(len(labels)), labels] += strength
    return scale * strength * evidence


LABELS = np.random.default_rng(0).integers(0, 5, 4000)
TEXT = branch(LABELS, 1.5, 3.0, 1)
IMAGE = branch(LABELS, 0.8, 0.5, 2)
BOTH: BranchLogits = {"text": TEXT, "image": IMAGE}


def accuracy(p: np.ndarray) -> float:
    return float((p.argmax(axis=1) == LABELS).mean())


def test_the_temperature_undoes_a_wrong_scale() -> None:
    assert fitting.temperature_weight(TEXT, LABELS) == pytest.approx(1 / 3, rel=0.1)
    assert fitting.temperature_weight(IMAGE, LABELS) == pytest.approx(2, rel=0.15)


@pytest.mark.parametrize("fit", [fitting.stacked, fitting.weighted])
def test_both_branches_together_are_better_than_either(fit: fitting.Fit) -> None:
    p = fit(BOTH, LABELS).probabilities(BOTH)
    assert accuracy(p) > max(accuracy(TEXT), accuracy(IMAGE)) + 0.01
    assert calibration_error(p.max(axis=1), p.argmax(axis=1) == LABELS, 15) < 0.03


def test_an_ensemble_calibrates_what_one_temperature_cannot() -> None:
    sure = np.random.default_rng(4).random(len(LABELS)) < 0.5
    mixed = np.where(sure[:, np.newaxis], TEXT / 3, 0.2 * TEXT / 3)  # half of it far too modest
    tempered = softmax(fitting.temperature_weight(mixed, LABELS) * mixed)
    p = fitting.weighted({"text": mixed}, LABELS).probabilities({"text": mixed})
    assert (p.argmax(axis=1) == mixed.argmax(axis=1)).all()
    assert fitting.negative_log_likelihood(p, LABELS) < (
        fitting.negative_log_likelihood(tempered, LABELS)
    )


def test_a_useless_branch_gets_no_say() -> None:
    noise = np.random.default_rng(3).normal(size=TEXT.shape)
    weights = fitting.stacked({"text": TEXT, "language": noise}, LABELS).weights
    assert weights["language"] < 0.05 < weights["text"]


def test_one_branch_alone_keeps_its_ranking() -> None:
    blend = fitting.weighted({"text": TEXT}, LABELS)
    assert blend.shares is None
    assert accuracy(blend.probabilities({"text": TEXT})) == accuracy(TEXT)


@pytest.mark.parametrize("fit", [fitting.stacked, fitting.weighted])
def test_a_third_branch_adds_to_two(fit: fitting.Fit) -> None:
    three: BranchLogits = {**BOTH, "language": branch(LABELS, 1.2, 1.0, 6)}
    blend = fit(three, LABELS)
    assert blend.shares is None or sum(blend.shares.values()) == pytest.approx(1)
    two = fit(BOTH, LABELS).probabilities(BOTH)
    assert accuracy(blend.probabilities(three)) > accuracy(two) + 0.02


def test_the_bias_follows_the_evidence() -> None:
    few = np.array([0] * 380 + [1] * 20)
    blend = fitting.stacked({"text": np.zeros((400, 5)) + 1e-9}, few)
    assert np.argmax(blend.bias) == 0


def test_cross_fitted_answers_come_from_other_folds() -> None:
    fold = np.arange(len(LABELS)) % 3
    p = fitting.cross_fitted(fitting.stacked, BOTH, LABELS, fold)
    seen, unseen = ({b: z[rows] for b, z in BOTH.items()} for rows in (fold != 1, fold == 1))
    expected = fitting.stacked(seen, LABELS[fold != 1])
    assert np.allclose(p[fold == 1], expected.probabilities(unseen))
