"""The gate's rows: what is worse by more than allowed fails, and what is no number too."""

from __future__ import annotations

from typing import Any

import pytest

from stages.commands.clones import ResultError
from stages.commands.gate import Row, growth, quality
from stages.common.settings import Gate

GATE = Gate(
    weighted_f1=0.01,
    macro_f1=0.02,
    coverage_at_95=0.05,
    calibration_error=0.02,
    size=0.1,
    seconds=0.5,
    confidence=0.95,
    resamples=2000,
)
FIGURES = {
    "weighted_f1": {"old": 0.83, "new": 0.83},
    "macro_f1": {"old": 0.8, "new": 0.8},
    "coverage_at.95": {"old": 0.7, "new": 0.7},
    "calibration_error": {"old": 0.05, "new": 0.05},
}


def rows(key: str, new: float) -> list[Row]:
    return list(quality({**FIGURES, key: {**FIGURES[key], "new": new}}, "base", GATE))


@pytest.mark.parametrize(
    ("key", "new", "passed"),
    [
        ("weighted_f1", 0.82, True),
        ("weighted_f1", 0.8199, False),
        ("weighted_f1", 0.95, True),
        ("macro_f1", 0.78, True),
        ("macro_f1", 0.77, False),
        ("coverage_at.95", 0.65, True),
        ("coverage_at.95", 0.6, False),
        ("calibration_error", 0.07, True),
        ("calibration_error", 0.071, False),
        ("calibration_error", 0.0, True),
        ("weighted_f1", float("nan"), False),
        ("calibration_error", float("nan"), False),
    ],
)
def test_a_score_fails_when_it_is_worse_by_more_than_allowed(
    key: str, new: float, passed: bool
) -> None:
    found = rows(key, new)
    assert len(found) == len(FIGURES)
    assert all(row.passed for row in found) is passed
    assert ("**worse**" in "\n".join(map(str, found))) is not passed


@pytest.mark.parametrize("side", ["old", "new"])
@pytest.mark.parametrize("key", FIGURES)
def test_a_score_that_is_missing_is_no_pass(key: str, side: str) -> None:
    broken: tuple[dict[str, Any], ...] = (
        {**FIGURES, key: {**FIGURES[key], side: None}},
        {name: pair for name, pair in FIGURES.items() if name != key},
    )
    for figures in broken:
        with pytest.raises(ResultError, match="no baseline"):
            list(quality(figures, "base", GATE))


def test_growth_is_a_share_of_what_was() -> None:
    assert growth("bytes", 100, 110, 0.1, ",d").passed is True
    grown = growth("bytes", 31_000_000, 35_000_000, 0.1, ",d")
    assert not grown.passed
    assert str(grown) == "| bytes | 31,000,000 | 35,000,000 | +12.9% | 10% | **worse** |"
    assert growth("bytes", 100, 20, 0.1, ",d").passed
