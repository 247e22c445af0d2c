"""What is counted in the products: parts, codes, lengths of texts, near-duplicates, reasons."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from serving.listing.text import normalise

LABELLED = ("train", "validation", "test")
PARTS = (*LABELLED, "unlabelled")

SHOWN = 60
"""Codes of which something is listed or drawn, the most frequent of them."""

QUANTILES = {"least": 0.0, "5 %": 0.05, "median": 0.5, "95 %": 0.95, "most": 1.0}


def with_lengths(products: pd.DataFrame) -> pd.DataFrame:
    """`products` with normalised texts, and their lengths in characters: `in_designation`,
    `in_description`."""
    texts = {name: products[name].map(normalise) for name in ("designation", "description")}
    lengths = {f"in_{name}": text.str.len().astype("int64") for name, text in texts.items()}
    return products.assign(**texts, **lengths)


def lacking(products: pd.DataFrame) -> dict[str, float | None]:
    """Shares of `products` (as `with_lengths` gives them) that lack a text or the picture."""
    without = {
        "designation": products["in_designation"] == 0,
        "description": products["in_description"] == 0,
        "picture": products["picture"] == "",
    }
    without["text"] = without["designation"] & without["description"]
    return {name: float(lacks.mean()) if len(lacks) else None for name, lacks in without.items()}


def of_codes(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Products by code, in ascending order (index), and labelled part (columns)."""
    counts = {part: parts[part]["prdtypecode"].value_counts() for part in LABELLED}
    return pd.DataFrame(counts).fillna(0).astype("int64").sort_index()


def most_frequent(counts: pd.DataFrame) -> pd.DataFrame:
    """Of what `of_codes` gives, the SHOWN rows with most products, in ascending order of code."""
    sizes = counts.sum(axis=1).sort_values(ascending=False, kind="stable")
    return counts.loc[sizes.index[:SHOWN]].sort_index()


def quantiles(values: pd.Series) -> dict[str, float | None]:
    """Least, median, most and what lies between, of the values there are; each is one of them."""
    if values.empty:
        return dict.fromkeys(QUANTILES)
    ordered = np.sort(values.to_numpy())
    return {
        name: ordered[round(quantile * (len(ordered) - 1))].item()
        for name, quantile in QUANTILES.items()
    }


def groups(labelled: pd.DataFrame) -> pd.DataFrame:
    """Near-duplicate groups of several products: `products`, `codes` (how many of each), index the
    group's number; the largest first."""
    sizes = labelled.groupby("group")["prdtypecode"].agg(products="size", codes="nunique")
    sizes = sizes[sizes["products"] > 1]
    return sizes.sort_values(["products", "codes"], ascending=False, kind="stable")


def reasons(given: pd.Series) -> dict[str, int]:
    """How often each reason was given, the most frequent first, then by name."""
    counts = given.value_counts().to_dict()
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
