"""What the stage `images` kept of the pictures that a branch trains on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from stages.training.features import Features


def with_pictures(products: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, Features]:
    """The products whose picture is in `folder`, and what is kept of it, read in place."""
    entries = pd.read_csv(folder / "index.csv")["entry"]
    position = pd.Series(np.arange(len(entries)), index=entries)
    seen = products[products["picture"].isin(position.index)]
    arrays = np.load(folder / "arrays.npy", mmap_mode="r")
    return seen, Features(arrays, position[seen["picture"]].to_numpy())
