"""Dividing held-out products into folds: near-duplicates together, codes alike in each."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold


def folds(codes: np.ndarray, groups: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Fold number 0..count-1 for each product, int [n]; groups whole, stratified by code.

    With fewer than `count` groups, or products of every code, there is nothing to stratify: groups
    are dealt out in turn. A fold may stay empty.
    """
    numbered = np.unique(groups, return_inverse=True)[1]
    if min(np.bincount(codes).max(), numbered.max() + 1) < count:
        return numbered % count
    numbers = np.zeros(len(codes), int)
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A code with fewer products than folds is in some of them only: as well as can be.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for number, (_, held_out) in enumerate(splitter.split(codes, codes, groups)):
            numbers[held_out] = number
    return numbers
