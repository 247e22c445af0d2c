"""The linear models that are solved, not descended to: their solution becomes a Keras layer."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, csr_matrix
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler


def ridge(
    rows: list[tuple[np.ndarray, np.ndarray]],
    buckets: int,
    labels: np.ndarray,
    weights: np.ndarray,
    penalty: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Least squares on the indicator of each code: kernel [buckets, codes] and bias [codes].

    `rows` are the (buckets, values) of each product; `weights` [codes] weighs products by their
    code. Conjugate gradients: time and memory grow linearly with the products (Hastie et al.,
    2009, "The Elements of Statistical Learning", 4.2).
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
    indicator = np.eye(len(weights), dtype=np.float32)[labels]
    model = Ridge(alpha=penalty, solver="sparse_cg", tol=1e-3)
    model.fit(matrix, indicator, sample_weight=weights[labels])
    return model.coef_.T.astype(np.float32), model.intercept_.astype(np.float32)


def discriminant(
    features: np.ndarray, labels: np.ndarray, codes: int, shrinkage: float
) -> tuple[np.ndarray, np.ndarray]:
    """Linear discriminant analysis: kernel [features, codes] and bias [codes] of the logits.

    Features are standardised and the covariance is drawn to a diagonal one by `shrinkage`
    (Friedman, 1989, "Regularized Discriminant Analysis"). Priors are equal to a degree that
    the fusion's bias corrects: each code counts by the square root of its frequency.
    """
    scaler = StandardScaler().fit(features)
    counts = np.bincount(labels, minlength=codes)
    present = np.flatnonzero(counts)
    priors = np.sqrt(counts[present])
    model = LinearDiscriminantAnalysis("lsqr", shrinkage=shrinkage, priors=priors / priors.sum())
    model.fit(scaler.transform(features), labels)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(present) == 2:  # scikit-learn then gives one row: the second code against the first
        coefficients = np.vstack([0 * coefficients, coefficients])
        intercepts = np.append(0 * intercepts, intercepts)
    kernel = np.zeros((features.shape[1], codes), np.float32)
    bias = np.full(codes, -1e3, np.float32)  # a code that was never seen is never answered
    kernel[:, present] = (coefficients / scaler.scale_).T
    bias[present] = intercepts - (coefficients / scaler.scale_) @ scaler.mean_
    return kernel, bias
