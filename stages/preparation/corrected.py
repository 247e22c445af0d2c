"""Parts of a catalogue with corrections: the test part stays what it is without them.

Reviewers pick products that are hard, so corrected ones are no sample of what is asked, and what
was answered right once must not be measured as if it were new. So the catalogue is divided as it
was before, and corrected products are given their places afterwards. Those whose near-duplicates
are tested are left out: to train on them would be to train on the test. The others are trained on,
with all their near-duplicates, so that a group is never divided.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from serving.listing.labels import Code
from stages.common.paths import CORRECTED_COLUMNS
from stages.common.settings import Prepare
from stages.preparation.csv_table import CatalogueError
from stages.preparation.parts import in_parts, untested
from stages.preparation.split import Parts, near_duplicate_groups
from stages.preparation.taxonomy import CODE, Names, written_as
from stages.preparation.usable import Usable, usable_products

TESTED = "is corrected, and a near-duplicate of a test product"
RARE = "is corrected to a code that is not tested"


class Before(NamedTuple):
    """The codes that corrected products had, by the row of a table; a product that was not there,
    or had no code that can be used, has none."""

    codes: pd.Series
    corrected: pd.Series


def read_corrected(path: Path, names: Names | None, taxonomy: str) -> pd.DataFrame | None:
    """CORRECTED_COLUMNS of the products that `ingest` took from corrections, all str; None where
    there are no corrections.

    Raises CatalogueError naming the first whose code is none of the `taxonomy`, as its table is
    called.
    """
    if not path.is_file():
        return None
    table = pd.read_csv(path, dtype="str", keep_default_na=False, usecols=list(CORRECTED_COLUMNS))
    for row in table.itertuples():
        if not _is_code(row.prdtypecode, names):
            raise CatalogueError(
                f"data/corrections: the product {row.product} (index {row.id} of the catalogue) is "
                f"corrected to {row.prdtypecode!r}, which is no code of {taxonomy}; correct it "
                "again, or add the code there, then run `make corrections` and `make repro`"
            )
    return table


def _is_code(text: str, names: Names | None) -> bool:
    return CODE.fullmatch(text) is not None if names is None else text in names


def codes_before(products: pd.DataFrame, corrected: pd.DataFrame, names: Names | None) -> Before:
    """Of a table that `join_labels` gave, all as text."""
    of_index = corrected.drop_duplicates("id").set_index("id")["before"]
    before = products["id"].map(of_index)
    is_corrected = before.notna()
    usable = before.map(lambda code: isinstance(code, str) and _is_code(code, names))
    codes = products["prdtypecode"].mask(is_corrected, before.where(usable.astype(bool)))
    return Before(codes, is_corrected)


def in_parts_of_before(
    usable: Usable, before: Before, names: Names | None, settings: Prepare
) -> tuple[Usable, Parts]:
    """What `in_parts` gives, of which the test part is that without corrections but for corrected
    products; `before` has the rows of `usable`. Raises CatalogueError, as `in_parts` does."""
    base, parts = in_parts(_as_before(usable, before, names), settings)
    part = pd.Series(parts.part, base.products.index)
    large = pd.Series(parts.large, base.products.index)

    def corrected() -> pd.Series:
        return before.corrected[usable.products.index]

    left_out = ~corrected() & ~usable.products.index.isin(part.index)
    if left_out.any():  # as their code is rare: that is the one reason why a usable one is
        usable = usable.without(left_out, base.rejected["reason"].iloc[-1])
    shown = set(base.fingerprints[base.placeholders])
    usable = usable._replace(placeholders=usable.placeholders | usable.fingerprints.isin(shown))
    # New products first: what they alone link to the test part need not be left out.
    for of_new in (True, False):
        usable = _grouped(usable)
        index = usable.products.index
        groups = usable.products["group"]
        tested = groups[~corrected() & (part.reindex(index) == "test")]
        leaking = corrected() & groups.isin(tested)
        if of_new:
            leaking &= ~index.isin(part.index)
        usable = usable.without(leaking, TESTED)
    usable = _without_rare(usable, corrected(), base.products["prdtypecode"], parts, settings)
    usable = _grouped(usable)
    index, groups = usable.products.index, usable.products["group"]
    trained = groups.isin(groups[corrected()])
    placed = part.reindex(index).mask(trained, "train").astype("str")
    placed_large = large.reindex(index, fill_value=False).to_numpy(bool)
    divided = Parts(placed.to_numpy(), placed_large)
    divided.require_all()
    return usable, divided


def _as_before(usable: Usable, before: Before, names: Names | None) -> Usable:
    """The usable products as they are without corrections, with the groups that they have then."""
    codes = before.codes[usable.products.index]
    there = codes.notna()
    texts = codes[there].astype("str")
    codes = texts.map(written_as(texts, names))
    products = usable.products[there].drop(columns="group").assign(prdtypecode=codes)
    return usable_products(products, usable.fingerprints[there])


def _grouped(usable: Usable) -> Usable:
    """The same with the groups of the products that it has now."""
    prints = usable.fingerprints.mask(usable.placeholders, "")
    groups = near_duplicate_groups(usable.texts["designation"], prints)
    return usable._replace(products=usable.products.assign(group=groups))


def _without_rare(
    usable: Usable, corrected: pd.Series, codes: pd.Series, parts: Parts, settings: Prepare
) -> Usable:
    """Without corrected products of codes that are not tested, where the settings want all to be;
    `codes` and `parts` are those without corrections."""
    if settings.rare_codes == "train":
        return usable
    rare: set[Code] = set(untested(codes, parts.part))
    tested = {str(code) for code in set(codes) - rare}
    lacking = corrected & ~usable.products["prdtypecode"].astype("str").isin(tested)
    if lacking.any() and settings.rare_codes == "refuse":
        first = usable.products[lacking].iloc[0]
        raise CatalogueError(
            f"{lacking.sum()} products are corrected to codes that have none in the test part "
            f"(the product {first['id']}: {first['prdtypecode']}), and prepare.rare_codes is "
            "refuse: give these codes more products, or train on them "
            "(-S prepare.rare_codes=train) or leave them out (reject)"
        )
    return usable.without(lacking, RARE) if lacking.any() else usable
