"""Precision of what was accepted with each code: what counts, and what stands first."""

from __future__ import annotations

import pandas as pd
import pytest

from stages.evaluation.accepted_codes import accepted_codes


def answers(*rows: tuple[str, str, bool, int]) -> pd.DataFrame:
    """Rows of actual, predicted, accepted, and how many times."""
    repeated = [row[:3] for row in rows for _ in range(row[3])]
    table = pd.DataFrame(repeated, columns=["actual", "predicted", "accepted"])
    return table.assign(group=range(len(table)))


def test_accepted_answers_count_for_the_code_that_they_are() -> None:
    table = accepted_codes(
        answers(("a", "b", True, 1), ("b", "b", True, 3), ("b", "a", False, 5), ("b", "c", True, 2))
    )
    assert table[["code", "accepted", "right"]].to_numpy().tolist() == [["c", 2, 0], ["b", 4, 3]]
    assert table["precision"].tolist() == [0, 0.75]
    assert table[["low", "high"]].to_numpy().ravel() == pytest.approx(
        [0, 0.8419, 0.1941, 0.9937], abs=1e-4
    )


def test_the_worst_is_first_by_what_its_products_prove() -> None:
    table = accepted_codes(
        answers(
            *(("a", "a", True, 99), ("x", "a", True, 1)),
            *(("b", "b", True, 70), ("x", "b", True, 30)),
            *(("x", "c", True, 1), ("d", "d", True, 1), ("e", "e", True, 50)),
        )
    )
    assert table["code"].tolist() == ["b", "c", "a", "d", "e"]


def test_near_duplicates_count_together() -> None:
    one = answers(("a", "a", True, 40))
    low, in_pairs = (
        accepted_codes(table)["low"].item() for table in (one, one.assign(group=one["group"] // 2))
    )
    assert in_pairs < low


def test_nothing_accepted_is_no_row() -> None:
    assert accepted_codes(answers(("a", "a", False, 3))).empty
