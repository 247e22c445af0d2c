"""The pairs of codes that are confused, with examples."""

from __future__ import annotations

import numpy as np
import pandas as pd

from stages.evaluation.confusions import PAIRS, confusions


def test_the_most_frequent_pairs_come_first_with_titles() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 0])
    predicted = np.array([1, 1, 1, 1, 0, 1, 2, 2])
    titles = pd.Series(["<b>a</b>", "", "b" * 200, "c", "d", "e", "f", None])
    found = confusions(labels, predicted, ["10 Books", "toys", "40 Games"], titles)
    assert [(pair["actual"], pair["predicted"], pair["products"]) for pair in found] == [
        ("10 Books", "toys", 4),
        ("10 Books", "40 Games", 1),
        ("toys", "10 Books", 1),
    ]
    assert found[0]["examples"] == ["a", "b" * 120, "c"]
    assert found[1]["examples"] == []


def test_nothing_is_confused() -> None:
    assert confusions(np.array([0]), np.array([0]), ["a"], pd.Series(["x"])) == []


def test_no_more_are_listed_than_people_read() -> None:
    labels, predicted = np.arange(30), np.roll(np.arange(30), 1)
    titles = pd.Series(["t"] * 30)
    assert len(confusions(labels, predicted, list(map(str, range(30))), titles)) == PAIRS
