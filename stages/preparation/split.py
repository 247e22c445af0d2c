"""Dividing products so that nothing learnt in training is seen again in the test.

Listings repeat: the same product by two sellers, the same picture under two titles. Such
near-duplicates form a group, and a group is never divided.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from serving.listing.text import fold

_NOT_WORD = re.compile(r"[\W_]+")


def designation_key(designation: str) -> str:
    """What designations share that differ only in case, accents, spacing or punctuation."""
    return _NOT_WORD.sub(" ", fold(designation)).strip()


def near_duplicate_groups(designations: pd.Series, fingerprints: pd.Series) -> np.ndarray:
    """Group number, int [n]: equal for products linked by an equal key or picture.

    Links are transitive (connected components). An empty key or fingerprint links nothing.
    """
    rows = np.arange(len(designations))
    columns, linked = [], []
    offset = len(designations)
    for keys in (designations.map(designation_key), fingerprints):
        known = (keys != "").to_numpy()
        numbers, values = pd.factorize(keys[known])
        columns.append(offset + numbers)
        linked.append(rows[known])
        offset += len(values)
    row, column = np.concatenate(linked), np.concatenate(columns)
    graph = coo_array((np.ones(len(row), bool), (row, column)), shape=(offset, offset))
    _, component = connected_components(graph, directed=False)
    return component[: len(designations)]


def split(
    codes: pd.Series, groups: np.ndarray, *, validation: float, test: float, seed: int
) -> np.ndarray:
    """The part of each product, str [n]: "train", "validation" or "test"; stratified by code.

    Groups go whole, in seeded order, first to the test part of their code until its share is
    full, then to the validation part, the rest to training. A group with several codes counts as
    its most frequent one.
    """
    table = pd.DataFrame({"code": codes.to_numpy(), "group": groups})
    table = table.groupby("group").agg(
        code=("code", lambda of_group: of_group.mode().iloc[0]), size=("code", "size")
    )
    table = table.sample(frac=1, random_state=seed)
    total = table.groupby("code")["size"].transform("sum")
    filled = table.groupby("code")["size"].cumsum()
    in_test = filled <= np.floor(test * total)
    in_validation = ~in_test & (filled <= np.floor((test + validation) * total))
    part = pd.Series("train", index=table.index)
    part[in_test] = "test"
    part[in_validation] = "validation"
    return part.loc[groups].to_numpy(str)
