"""What an earlier stage kept of the products that a branch trains on, one row for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Features:
    """Pixels or features, `arrays` [kept, ...], and the place of each example in them, [n]."""

    arrays: np.ndarray
    places: np.ndarray

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Those of the examples `rows`."""
        return np.asarray(self.arrays[self.places[rows]])

    @property
    def width(self) -> int:
        """Size of the last dimension: the features of a row."""
        return int(self.arrays.shape[-1])
