"""The discriminant: that of the textbook but for its penalty, and silent on codes never seen."""

from __future__ import annotations

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from stages.training.discriminant import discriminant


def test_the_discriminant_is_that_of_scikit_learn_but_for_its_penalty() -> None:
    labels = np.random.default_rng(0).integers(0, 5, 600)
    random = np.random.default_rng(5)
    features = random.normal(size=(600, 8)) * np.arange(1, 9) + labels[:, np.newaxis]
    kernel, bias = discriminant(features, labels, 5, 1e-6)
    priors = np.sqrt(np.bincount(labels))
    peer = LinearDiscriminantAnalysis("lsqr", priors=priors / priors.sum()).fit(features, labels)
    agree = (features @ kernel + bias).argmax(axis=1) == peer.predict(features)
    assert agree.mean() > 0.98
    shrunk, _ = discriminant(features, labels, 5, 100.0)
    assert np.abs(shrunk).sum() < np.abs(kernel).sum() / 2


def test_a_code_never_seen_is_never_answered() -> None:
    random = np.random.default_rng(0)
    labels = np.array([0, 2] * 40)
    features = random.normal(size=(80, 6)) + labels[:, np.newaxis]
    kernel, bias = discriminant(features, labels, 4, 0.3)
    found = (features @ kernel + bias).argmax(axis=1)
    assert (found == labels).mean() > 0.9
    assert not {1, 3} & set(found.tolist())
