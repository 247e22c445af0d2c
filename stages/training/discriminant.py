"""Linear discriminant analysis on features of a frozen network."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve

from stages.common.parallel import in_threads

_CHUNK = 4096
"""Products whose features are held in single precision at once."""


def discriminant(
    features: np.ndarray, labels: np.ndarray, codes: int, shrinkage: float
) -> tuple[np.ndarray, np.ndarray]:
    """Linear discriminant analysis: kernel [features, codes] and bias [codes] of the logits.

    `features` [n, p] are standardised, and their covariance within codes is drawn to the identity:
    covariance + shrinkage * p / n * identity, as what is not known of a covariance falls with the
    products per feature (Friedman, 1989, "Regularized Discriminant Analysis"; Ledoit and Wolf,
    2004). Priors are equal to a degree that the fusion's bias corrects: each code counts by the
    square root of its frequency. Memory grows with p squared; time with n, in chunks, of which
    those of all processors are worked on at once and added up in order.
    """
    products, width = features.shape
    chunks = [slice(start, start + _CHUNK) for start in range(0, products, _CHUNK)]

    def total_of(rows: slice) -> np.ndarray:
        return features[rows].sum(axis=0, dtype=np.float64)

    mean = sum(in_threads(total_of, chunks)) / products

    def squares_of(rows: slice) -> np.ndarray:
        return ((features[rows] - mean) ** 2).sum(axis=0)

    scale = np.maximum(np.sqrt(sum(in_threads(squares_of, chunks)) / products), 1e-6)

    def standardised(rows: slice) -> tuple[slice, np.ndarray, np.ndarray]:
        standard = ((features[rows] - mean) / scale).astype(np.float32)
        return rows, standard, standard.T @ standard

    counts = np.bincount(labels, minlength=codes)
    present = np.flatnonzero(counts)
    sums = np.zeros((codes, width))
    total = np.zeros((width, width))
    for rows, standard, products_of in in_threads(standardised, chunks):
        for code in np.unique(labels[rows]):  # far faster than np.add.at, and equal to the bit
            of_code = standard[labels[rows] == code]
            sums[code] = np.concatenate([sums[code][np.newaxis], of_code]).sum(axis=0)
        total += products_of
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
