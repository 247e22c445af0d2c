"""The prepared products, as the stages read them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from serving.listing.labels import Code, Label, read_labels
from stages.common.paths import LABELS, PREPARED


def read_part(part: str) -> pd.DataFrame:
    """The products of "train", "validation", "test" or "unlabelled"."""
    return pd.read_parquet(PREPARED / f"{part}.parquet")


def read_training() -> pd.DataFrame:
    """Train and validation together; bool column `validation` tells them apart."""
    train, validation = read_part("train"), read_part("validation")
    return pd.concat(
        [train.assign(validation=False), validation.assign(validation=True)], ignore_index=True
    )


def prepared_labels() -> dict[Code, Label]:
    """The codes that there are, with their names."""
    return read_labels(LABELS)


def columns(products: pd.DataFrame, codes: Iterable[Code]) -> np.ndarray:
    """The column of each product's code in a probability matrix of `codes`, int64 [n]; -1 of a code
    that is none of them."""
    return pd.Index(list(codes)).get_indexer(products["prdtypecode"])


def storable(ids: np.ndarray) -> np.ndarray:
    """Ids as NumPy stores them: a table holds texts as Python's objects, which take a pickle."""
    return ids.astype(np.str_) if ids.dtype == object else ids
