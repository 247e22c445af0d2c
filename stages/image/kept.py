"""What the stage `images` kept of the pictures that a branch trains on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Kept:
    """Pixels or features, `arrays` [pictures, ...], and the place of each example in them, [n]."""

    arrays: np.ndarray
    places: np.ndarray

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Those of the examples `rows`."""
        return np.asarray(self.arrays[self.places[rows]])

    @property
    def width(self) -> int:
        """Size of the last dimension: the features of a picture."""
        return int(self.arrays.shape[-1])


def with_pictures(products: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, Kept]:
    """The products whose picture is in `folder`, and what is kept of it, read in place."""
    entries = pd.read_csv(folder / "index.csv")["entry"]
    position = pd.Series(np.arange(len(entries)), index=entries)
    seen = products[products["picture"].isin(position.index)]
    arrays = np.load(folder / "arrays.npy", mmap_mode="r")
    return seen, Kept(arrays, position[seen["picture"]].to_numpy())
