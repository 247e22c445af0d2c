"""Which labelled products there is something to learn from, and which of them repeat each other."""

from __future__ import annotations

from typing import NamedTuple, Self

import pandas as pd

from serving.listing.text import normalise
from stages.preparation.csv_table import CatalogueError
from stages.preparation.split import near_duplicate_groups, placeholders


class Usable(NamedTuple):
    """`products` have a `picture` (the archive's entry, "" if none) and the number of their
    near-duplicate `group`; each other table has a row for each of them: normalised `texts`,
    `fingerprints` of pictures, and whether these are `placeholders`. `rejected` have a `reason`.
    """

    products: pd.DataFrame
    texts: pd.DataFrame
    fingerprints: pd.Series
    placeholders: pd.Series
    rejected: pd.DataFrame

    def without(self, rows: pd.Series, reason: str) -> Self:
        """Of the products all but some, bool [n], which are rejected for a `reason`."""
        rejected = self.products[rows].assign(reason=reason)
        return self._replace(
            products=self.products[~rows],
            texts=self.texts[~rows],
            fingerprints=self.fingerprints[~rows],
            placeholders=self.placeholders[~rows],
            rejected=pd.concat([self.rejected, rejected]),
        )


def usable_products(products: pd.DataFrame, prints: pd.Series) -> Usable:
    """The good rows of a catalogue that have a text or a `picture`, and the others; `prints` are
    the fingerprints of the pictures, "" where there is none.

    Raises CatalogueError when none is good.
    """
    texts = products[["designation", "description"]].map(normalise)
    silent = (texts == "").all(axis=1) & (products["picture"] == "")
    if silent.all():
        raise CatalogueError(
            f"none of {len(products):,} labelled products has a text or a picture that is read: "
            "there is nothing to learn from"
        )
    rejected = products[silent].assign(reason="neither text nor picture")
    products, texts, prints = products[~silent], texts[~silent], prints[~silent]
    stand_in = pd.Series(
        placeholders(texts["designation"], products["prdtypecode"], prints), products.index
    )
    groups = near_duplicate_groups(texts["designation"], prints.mask(stand_in, ""))
    return Usable(products.assign(group=groups), texts, prints, stand_in, rejected)
