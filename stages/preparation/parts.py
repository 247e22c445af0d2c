"""Usable products into parts, and what becomes of codes that are too rare for it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from serving.listing.labels import Code
from stages.common.settings import Prepare
from stages.preparation.csv_table import CatalogueError
from stages.preparation.split import Parts, split
from stages.preparation.usable import Usable

_SHOWN = 20


def in_parts(usable: Usable, settings: Prepare) -> tuple[Usable, Parts]:
    """The products that are kept, and the part of each.

    Raises CatalogueError: a part would be empty, there is a single code, or one is too rare where
    the settings refuse that.
    """
    parts = _split(usable.products, settings)
    if rare := untested(usable.products["prdtypecode"], parts.part):
        if settings.rare_codes == "refuse":
            raise CatalogueError(
                f"{len(rare)} codes have too few products for one in the test part "
                f"({_listed(usable.products, rare)}), and prepare.rare_codes is refuse: give them "
                "more, or train on them (-S prepare.rare_codes=train) or leave them out (reject)"
            )
        if settings.rare_codes == "reject":
            of_rare = usable.products["prdtypecode"].isin(rare)
            usable = usable.without(of_rare, "code has too few products to be tested")
            parts = _split(usable.products, settings)
    parts.require_all()
    if usable.products["prdtypecode"].nunique() < 2:
        raise CatalogueError(
            "there is a single code, so nothing to tell apart; expected products of two or more"
        )
    return usable, parts


def untested(codes: pd.Series, part: np.ndarray) -> list[Code]:
    """The codes without a product in the test part, in ascending order."""
    return sorted(set(codes) - set(codes[part == "test"]))


def _split(products: pd.DataFrame, settings: Prepare) -> Parts:
    return split(
        products["prdtypecode"],
        products["group"].to_numpy(),
        validation=settings.validation_share,
        test=settings.test_share,
        seed=settings.seed,
    )


def _listed(products: pd.DataFrame, codes: list[Code]) -> str:
    counts = products["prdtypecode"].value_counts()
    shown = ", ".join(f"{code}: {counts[code]}" for code in codes[:_SHOWN])
    return shown + ("" if len(codes) <= _SHOWN else f" and {len(codes) - _SHOWN} more")
