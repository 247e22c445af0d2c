"""The linear models that are solved, not descended to: their solution becomes a Keras layer."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve
from scipy.sparse import csr_array, csr_matrix
from sklearn.linear_model import Ridge

_CHUNK = 4096
"""Products whose features are held in single precision at once."""


def ridge(
    rows: list[tuple[np.ndarray, np.ndarray]],
    buckets: int,
    labels: np.ndarray,
    codes: int,
    weights: np.ndarray,
    penalty: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Least squares on the indicator of each code: kernel [buckets, codes] and bias [codes].

    `rows` are the (buckets, values) of each product, `weights` [n] what each counts. Conjugate
    gradients: time and memory grow linearly with the products (Hastie et al., 2009, "The Elements
    of Statistical Learning", 4.2).
    """
    ends = np.cumsum([0] + [len(found) for found, _ in rows])
    matrix = csr_matrix(
        csr_array(
            (
                np.concatenate([values for _, values in rows]),
                np.concatenate([found for found, _ in rows]),
                ends,
            ),
            shape=(len(rows), buckets),
        )
    )
    indicator = np.eye(codes, dtype=np.float32)[labels]
    model = Ridge(alpha=penalty, solver="sparse_cg", tol=1e-3)
    model.fit(matrix, indicator, sample_weight=weights)
    return model.coef_.T.astype(np.float32), model.intercept_.astype(np.float32)


def discriminant(
    features: np.ndarray, labels: np.ndarray, codes: int, shrinkage: float
) -> tuple[np.ndarray, np.ndarray]:
    """Linear discriminant analysis: kernel [features, codes] and bias [codes] of the logits.

    `features` [n, p] are standardised, and their covariance within codes is drawn to the identity:
    covariance + shrinkage * p / n * identity, as what is not known of a covariance falls with the
    products per feature (Friedman, 1989, "Regularized Discriminant Analysis"; Ledoit and Wolf,
    2004). Priors are equal to a degree that the fusion's bias corrects: each code counts by the
    square root of its frequency. Memory grows with p squared; time with n, in chunks.
    """
    products, width = features.shape
    chunks = [slice(start, start + _CHUNK) for start in range(0, products, _CHUNK)]
    mean = sum(features[rows].sum(axis=0, dtype=np.float64) for rows in chunks) / products
    squares = sum(((features[rows] - mean) ** 2).sum(axis=0) for rows in chunks)
    scale = np.maximum(np.sqrt(squares / products), 1e-6)

    counts = np.bincount(labels, minlength=codes)
    present = np.flatnonzero(counts)
    sums = np.zeros((codes, width))
    total = np.zeros((width, width))
    for rows in chunks:
        standard = ((features[rows] - mean) / scale).astype(np.float32)
        np.add.at(sums, labels[rows], standard)
        total += standard.T @ standard
    means = sums[present] / counts[present, np.newaxis]
    within = (total - (means.T * counts[present]) @ means) / products
    within[np.diag_indices(width)] += shrinkage * width / products
    coefficients = solve(within, means.T, assume_a="pos", overwrite_a=True)

    priors = np.sqrt(counts[present])
    intercepts = np.log(priors / priors.sum()) - 0.5 * (means.T * coefficients).sum(axis=0)
    kernel = np.zeros((width, codes), np.float32)
    bias = np.full(codes, -1e3, np.float32)  # a code that was never seen is never answered
    kernel[:, present] = coefficients / scale[:, np.newaxis]
    bias[present] = intercepts - mean / scale @ coefficients
    return kernel, bias
