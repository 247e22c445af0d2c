"""Which codes are taken for which others, and titles of products with which that happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from serving.listing.text import normalise

PAIRS, EXAMPLES = 20, 3
"""Listed at most, of each pair as many titles."""

_CHARACTERS = 120


def confusions(
    labels: np.ndarray, predicted: np.ndarray, names: Sequence[str], designations: pd.Series
) -> list[dict[str, Any]]:
    """The most frequent pairs of columns `labels` and `predicted`, int [n], that differ: by their
    `names`, with how many `products` and the titles of the first `examples`."""
    wrong = pd.DataFrame({"actual": labels, "predicted": predicted})
    wrong["title"] = [normalise(title)[:_CHARACTERS] for title in designations.fillna("")]
    wrong = wrong[wrong["actual"] != wrong["predicted"]]
    pairs = [
        {
            "actual": names[actual],
            "predicted": names[answered],
            "products": len(rows),
            "examples": [title for title in rows["title"] if title][:EXAMPLES],
        }
        for (actual, answered), rows in wrong.groupby(["actual", "predicted"])
    ]
    pairs.sort(key=lambda pair: -pair["products"])  # stable: equal ones by their columns
    return pairs[:PAIRS]
