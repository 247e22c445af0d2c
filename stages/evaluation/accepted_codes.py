"""How many of the answers that were accepted with each code are right."""

from __future__ import annotations

from typing import Any

import pandas as pd

from stages.evaluation.scores import clopper_pearson


def accepted_codes(answers: pd.DataFrame) -> pd.DataFrame:
    """A row for each code that accepted answers have: `code`, `accepted`, `right`, `precision`, and
    the exact interval `low` to `high` of the precision on new products.

    `answers` have `actual` and `predicted` code, `accepted` and near-duplicate `group`. The worst
    are first: those with the lowest upper end, which says how good a code can be at best. By the
    precision itself a code with one wrong answer of one would stand before 300 of 1,000.
    """
    accepted = answers[answers["accepted"]]
    rows = [_row(code, of_code) for code, of_code in accepted.groupby("predicted")]
    table = pd.DataFrame(rows, columns=["code", "accepted", "right", "precision", "low", "high"])
    return table.sort_values(["high", "low", "code"], kind="stable", ignore_index=True)


def _row(code: Any, answers: pd.DataFrame) -> tuple[Any, ...]:
    right = (answers["actual"] == answers["predicted"]).to_numpy()
    low, high = clopper_pearson(right, answers["group"].to_numpy())
    return code, len(right), int(right.sum()), right.mean(), low, high
