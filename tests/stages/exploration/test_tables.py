"""What is counted in the products."""

from __future__ import annotations

import pandas as pd

from stages.exploration import tables


def products(*rows: tuple[str, str, str, int, int]) -> pd.DataFrame:
    columns = ["designation", "description", "picture", "prdtypecode", "group"]
    return tables.with_lengths(pd.DataFrame(rows, columns=columns))


def test_what_is_lacking_is_asked_of_the_text_without_markup() -> None:
    found = products(
        ("Jeu", "<br>", "a.jpg", 10, 0), ("", "", "a.jpg", 10, 1), ("", "x", "", 10, 2)
    )
    assert tables.lacking(found) == {
        "designation": 2 / 3,
        "description": 2 / 3,
        "text": 1 / 3,
        "picture": 1 / 3,
    }
    assert found["in_designation"].tolist() == [3, 0, 0]


def test_a_part_without_products_lacks_nothing() -> None:
    assert set(tables.lacking(products()).values()) == {None}


def test_a_code_that_a_part_has_none_of_counts_zero() -> None:
    parts = {
        "train": products(("a", "", "", 1280, 0), ("b", "", "", 10, 1)),
        "validation": products(("c", "", "", 10, 2)),
        "test": products(),
    }
    counts = tables.of_codes(parts)
    assert counts.index.tolist() == [10, 1280]
    assert counts.to_numpy().tolist() == [[1, 1, 0], [1, 0, 0]]


def test_quantiles_are_values_that_occur() -> None:
    found = tables.quantiles(pd.Series(range(101)))
    assert found == {"least": 0, "5 %": 5, "median": 50, "95 %": 95, "most": 100}
    assert set(tables.quantiles(pd.Series([], dtype="int64")).values()) == {None}


def test_groups_of_several_products_the_largest_first() -> None:
    found = tables.groups(
        products(
            *[("a", "", "", 10, 7)],
            *[("b", "", "", 10, 3), ("b", "", "", 10, 3)],
            *[("c", "", "", 10, 5), ("c", "", "", 40, 5), ("c", "", "", 40, 5)],
        )
    )
    assert found.index.tolist() == [5, 3]
    assert found.to_numpy().tolist() == [[3, 2], [2, 1]]


def test_reasons_by_how_often_then_by_name() -> None:
    given = pd.Series(["z", "b", "a", "z"])
    assert list(tables.reasons(given).items()) == [("z", 2), ("a", 1), ("b", 1)]
