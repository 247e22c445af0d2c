"""Ridge regression on hashed n-grams."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, csr_matrix
from sklearn.linear_model import Ridge


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
