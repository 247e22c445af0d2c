"""What becomes of codes with too few products for the test part."""

from __future__ import annotations

from typing import Literal

import pandas as pd
import pytest

from stages.common.settings import Prepare
from stages.preparation.csv_table import CatalogueError
from stages.preparation.parts import in_parts, untested
from stages.preparation.usable import Usable, usable_products

COUNTS = {"common": 40, "few": 2, "once": 1, "plenty": 60}


def usable(counts: dict[str, int]) -> Usable:
    codes = [code for code, count in counts.items() for _ in range(count)]
    products = pd.DataFrame(
        {
            "id": range(len(codes)),
            "designation": [f"titre {number}" for number in range(len(codes))],
            "description": "",
            "prdtypecode": codes,
            "picture": "",
        }
    )
    return usable_products(products, pd.Series("", products.index))


def settings(rare: Literal["train", "reject", "refuse"]) -> Prepare:
    return Prepare(validation_share=0.12, test_share=0.1, seed=1, rare_codes=rare)


def test_they_are_trained_on_and_not_tested() -> None:
    kept, parts = in_parts(usable(COUNTS), settings("train"))
    codes = kept.products["prdtypecode"]
    assert len(codes) == sum(COUNTS.values())
    assert untested(codes, parts.part) == ["few", "once"]
    assert set(codes[parts.part == "train"]) == set(COUNTS)


def test_they_are_left_out_with_the_reason() -> None:
    kept, parts = in_parts(usable(COUNTS), settings("reject"))
    assert set(kept.products["prdtypecode"]) == {"common", "plenty"}
    assert len(parts.part) == len(kept.products) == len(kept.texts) == len(kept.fingerprints)
    assert kept.rejected["prdtypecode"].tolist() == ["few", "few", "once"]
    assert set(kept.rejected["reason"]) == {"code has too few products to be tested"}
    assert untested(kept.products["prdtypecode"], parts.part) == []


def test_they_are_refused_with_their_numbers() -> None:
    with pytest.raises(CatalogueError, match=r"2 codes have too few .*\(few: 2, once: 1\)"):
        in_parts(usable(COUNTS), settings("refuse"))


def test_many_are_told_in_part() -> None:
    rare = {f"rare {number:03}": 1 for number in range(50)}
    with pytest.raises(CatalogueError, match=r"50 codes .* and 30 more"):
        in_parts(usable({**COUNTS, **rare, "few": 20, "once": 20}), settings("refuse"))


def test_one_code_alone_is_nothing_to_tell_apart() -> None:
    with pytest.raises(CatalogueError, match="a single code"):
        in_parts(usable({"common": 40}), settings("train"))
