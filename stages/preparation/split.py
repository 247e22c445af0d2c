"""Dividing products so that nothing learnt in training is seen again in the test.

Listings repeat: the same product by two sellers, the same picture under two titles. Such
near-duplicates form a group, and a group is never divided. A picture that a shop shows wherever it
has none is no such repetition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from serving.listing.text import designation_key
from stages.preparation.csv_table import CatalogueError

PLACEHOLDER_DESIGNATIONS = 5
"""Different designations under one picture from which on, with PLACEHOLDER_CODES, it is taken for a
placeholder. Of pictures that repeat in the extract and in the sample, none has more than two."""

PLACEHOLDER_CODES = 3
"""Two may be a product that two sellers sorted differently."""

PARTS = ("train", "validation", "test")


def placeholders(designations: pd.Series, codes: pd.Series, fingerprints: pd.Series) -> np.ndarray:
    """Bool [n]: whether a product's picture stands in for one that is missing.

    Such a picture has PLACEHOLDER_DESIGNATIONS different designations and PLACEHOLDER_CODES codes
    at least: it says nothing of the product, so it is no evidence of duplication.
    """
    keys = designations.map(designation_key).to_numpy()
    shared = pd.DataFrame({"key": keys, "code": codes.to_numpy(), "of": fingerprints.to_numpy()})
    shared["key"] = shared["key"].where(shared["key"] != "")  # no designation is none that differs
    different = shared.groupby("of")[["key", "code"]].transform("nunique")
    many = different["key"] >= PLACEHOLDER_DESIGNATIONS
    several = different["code"] >= PLACEHOLDER_CODES
    return (many & several & (shared["of"] != "")).to_numpy()


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


@dataclass(frozen=True)
class Parts:
    """The `part` of each product, str [n]: "train", "validation" or "test"; and which products are
    of a near-duplicate group that is larger than a part's share of its code, `large`, bool [n]."""

    part: np.ndarray
    large: np.ndarray

    def require_all(self) -> None:
        """Raise CatalogueError when a part has no product: nothing could be trained or measured."""
        if empty := [name for name in PARTS if name not in self.part]:
            raise CatalogueError(
                f"the {len(self.part):,} labelled products that can be used cannot be divided: "
                f"none would be left for {' and '.join(empty)}; expected ten of a code or more "
                "that are no near-duplicates"
            )


def split(
    codes: pd.Series, groups: np.ndarray, *, validation: float, test: float, seed: int
) -> Parts:
    """Divide the products, stratified by code.

    Groups go whole, in seeded order: to the test part of their code if they fit into what is left
    of its share, else to the validation part likewise, else to training. A group that is larger
    than the smaller of both shares is trained on, and keeps no other out of its place. What a part
    then lacks is less than the smallest of the other groups that are trained on. A group with
    several codes counts as its most frequent one.
    """
    table = pd.DataFrame({"code": codes.to_numpy(), "group": groups})
    table = table.groupby("group").agg(
        code=("code", lambda of_group: of_group.mode().iloc[0]), size=("code", "size")
    )
    table = table.sample(frac=1, random_state=seed)
    total = table.groupby("code")["size"].transform("sum")
    until_test = np.rint(test * total).astype(int)
    shares = {"test": until_test, "validation": np.rint((test + validation) * total) - until_test}
    large = table["size"] > np.maximum(np.minimum(*shares.values()), 1)
    part = np.where(large, "large", "train").astype("<U10")
    for name, share in shares.items():
        left = dict(zip(table["code"], share, strict=True))
        for row, (code, size) in enumerate(zip(table["code"], table["size"], strict=True)):
            if part[row] == "train" and size <= left[code]:
                left[code] -= size
                part[row] = name
    part[part == "large"] = "train"
    place = table.index.get_indexer(groups)
    return Parts(part[place], large.to_numpy()[place])
