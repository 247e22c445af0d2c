"""The gate's rows: what is worse beyond allowance and noise fails, and what is no number too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stages.commands.quality.comparison import (
    CALIBRATION,
    COVERAGE,
    F1,
    MACRO,
    PRECISION,
    Judgement,
    figures,
)
from stages.commands.quality.gate_table import Row, growth, quality, table
from stages.commands.quality.paired_tests import ClassifierAnswers, Interval, intervals, mcnemar
from stages.common.settings import Gate

GATE = Gate(
    weighted_f1=0.01,
    macro_f1=0.02,
    accepted_precision=0.01,
    coverage_at_95=0.05,
    calibration_error=0.02,
    size=0.1,
    seconds=0.5,
    confidence=0.95,
    resamples=2000,
)
OLD = {F1: 0.83, MACRO: 0.8, PRECISION: 0.95, COVERAGE: 0.7, CALIBRATION: 0.05}
EQUAL = Judgement(
    rows=263,
    rows_hash="md5 x",
    sizes=None,
    figures={name: Interval(old, old, 0.0, 0.0) for name, old in OLD.items()},
    only_old=0,
    only_new=0,
    p_value=1.0,
    old_seconds=0.1,
    new_seconds=0.1,
)


def rows(name: str, new: float, *, noise: float = 1e-6) -> list[Row]:
    """The interval reaches from the difference by `noise` to either side."""
    by = new - OLD[name]
    found = Interval(OLD[name], new, by - noise, by + noise)
    return list(quality(replace(EQUAL, figures={**EQUAL.figures, name: found}), GATE))


@pytest.mark.parametrize(
    ("name", "new", "passed"),
    [
        (F1, 0.82, True),
        (F1, 0.8199, False),
        (F1, 0.95, True),
        (MACRO, 0.78, True),
        (MACRO, 0.77, False),
        (PRECISION, 0.94, True),
        (PRECISION, 0.93, False),
        (COVERAGE, 0.65, True),
        (COVERAGE, 0.6, False),
        (CALIBRATION, 0.07, True),
        (CALIBRATION, 0.071, False),
        (CALIBRATION, 0.0, True),
        (F1, float("nan"), False),
        (PRECISION, float("nan"), False),
        (CALIBRATION, float("nan"), False),
    ],
)
def test_a_score_fails_when_it_is_worse_by_more_than_allowed(
    name: str, new: float, passed: bool
) -> None:
    found = rows(name, new)
    assert [row.name for row in found] == list(OLD)
    assert all(row.passed for row in found) is passed
    assert ("**worse**" in "\n".join(map(str, found))) is not passed


@pytest.mark.parametrize("name", OLD)
def test_what_cannot_be_told_from_noise_is_not_worse(name: str) -> None:
    new = OLD[name] + (0.1 if name == CALIBRATION else -0.1)
    (row,) = [row for row in rows(name, new, noise=0.2) if not row.within]
    assert row.passed
    assert str(row).endswith("| not told apart |")
    assert not all(row.passed for row in rows(name, new, noise=0.05))


def test_a_base_that_accepts_nothing_has_no_precision_to_lose() -> None:
    nothing = Interval(float("nan"), 0.9, float("nan"), float("nan"))
    judgement = replace(EQUAL, figures={**EQUAL.figures, PRECISION: nothing})
    (row,) = [row for row in quality(judgement, GATE) if row.name == PRECISION]
    assert row.passed
    assert "nan" not in str(row)


def test_one_product_is_never_worse_beside_not_told_apart() -> None:
    """The row and the sentence below the table say the same, whatever the products are."""
    labels = np.repeat(np.arange(9), 12)
    sure = np.linspace(0.5, 1, len(labels))
    old = ClassifierAnswers(labels, sure, sure > 0.7)
    for lost in (1, 2, 30):
        found = np.where(np.arange(len(labels)) < lost, 8, labels)
        new = ClassifierAnswers(found, sure, sure > 0.7)
        judgement = Judgement(
            len(labels),
            "md5 x",
            None,
            intervals(
                figures(15),
                labels,
                old,
                new,
                np.arange(len(labels)),
                confidence=0.95,
                resamples=300,
                seed=0,
            ),
            *mcnemar(labels, old.codes, new.codes),
            0.1,
            0.1,
        )
        found_rows = list(quality(judgement, GATE))
        text = table("base", found_rows, judgement)
        (f1,) = [row for row in found_rows if row.name == F1]
        assert ("**worse**" in str(f1)) is str(judgement).endswith("worse.")
        assert ("**worse**" in str(f1)) is (lost == 30)
        assert text.startswith("### Worse than base") is (lost == 30)


def test_growth_is_a_share_of_what_was() -> None:
    assert growth("bytes", 100, 110, 0.1, ",d").passed is True
    grown = growth("bytes", 31_000_000, 35_000_000, 0.1, ",d")
    assert not grown.passed
    assert str(grown) == "| bytes | 31,000,000 | 35,000,000 | +12.9% |  | 10% | **worse** |"
    assert growth("bytes", 100, 20, 0.1, ",d").passed
