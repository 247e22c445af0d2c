"""Ridge regression on hashed n-grams."""

from __future__ import annotations

import numpy as np

from stages.text.ridge import ridge


def test_ridge_learns_what_its_n_grams_say() -> None:
    labels = np.array([0, 1, 2] * 30)
    rows = [(np.array([label, 9], np.int32), np.array([1, 0.2], np.float32)) for label in labels]
    kernel, bias = ridge(rows, 16, labels, 3, np.ones(90, np.float32), 0.1)
    assert kernel.shape == (16, 3)
    assert (kernel[:3] + bias).argmax(axis=1).tolist() == [0, 1, 2]
