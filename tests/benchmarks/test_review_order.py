"""Labels in the order of review beside labels by chance: what is shown, and what is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.common.paths import TRAIN_CODES, TRAIN_PRODUCTS
from tests.benchmarks.review_order import (
    CHANCE_OF_ALL,
    CHANCE_OF_QUEUE,
    RULE,
    RULES,
    Curve,
    Queue,
    main,
    margin,
    markdown,
    needed,
    surest_last,
)
from tests.support.rakuten import CODES

pytestmark = pytest.mark.slow  # loads TensorFlow


def queue() -> Queue:
    """Of 300 answers, every other one the near-duplicate of the one before."""
    drawn = np.random.default_rng(5)
    p = drawn.dirichlet(np.full(9, 0.3), 300)
    return Queue(p, np.arange(300) // 2, np.zeros(9, int), drawn)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_shows_everything_once_and_near_duplicates_last(name: str) -> None:
    waiting = queue()
    shown = RULES[name](waiting)
    assert sorted(shown) == list(range(300))
    if "answers" not in name and "turns" not in name:
        assert len(set(waiting.groups[shown[:150]])) == 150


def test_the_service_shows_one_of_each_code_in_a_turn() -> None:
    waiting = queue()
    codes = waiting.p.argmax(axis=1)
    assert len(set(codes[RULES[RULE](waiting)[:9]])) == 9


def test_turns_of_earlier_rounds_count_where_they_are_remembered() -> None:
    waiting = queue()
    waiting.before[3] = 300
    codes = waiting.p.argmax(axis=1)
    shown = codes[surest_last(margin, 0, remembered=True)(waiting)]
    assert 3 not in shown[: (codes != 3).sum()]
    assert 3 in codes[surest_last(margin, 0)(waiting)[:9]]


def test_by_their_answers_codes_have_their_share() -> None:
    waiting = queue()
    codes = waiting.p.argmax(axis=1)
    shown = surest_last(margin, 1)(waiting)
    shares = np.bincount(codes[shown[:100]], minlength=9) / 100
    assert np.abs(shares - np.bincount(codes, minlength=9) / 300).max() < 0.02


def test_the_labels_until_what_another_curve_ends_with() -> None:
    assert needed([0.5, 0.6, 0.7], [0.5, 0.55, 0.6]) == pytest.approx(0.5)
    assert needed([0.5, 0.6, 0.7], [0.5, 0.6, 0.65]) == pytest.approx(0.75)
    assert needed([0.5, 0.5, 0.5], [0.5, 0.6, 0.65]) == float("inf")
    assert needed([0.5, 0.6, 0.7], [0.5, 0.5, 0.4]) == 0  # it learnt nothing


def test_a_row_tells_the_median_over_all_draws() -> None:
    found = [
        Curve(name, seed, f1, 0.8, 0.5)
        for seed in (1, 2)
        for name, f1 in (
            (CHANCE_OF_ALL, (0.5, 0.55, 0.6)),
            (CHANCE_OF_QUEUE, (0.5, 0.6, 0.65)),
            (RULE, (0.5, 0.6, 0.7)),
        )
    ]
    assert markdown(found, 100).splitlines()[-1] == (
        f"| {RULE} | 0.600 | 0.700 | +0.0250 ± 0.0000 | 0.50 (0.50 to 0.50) "
        "| 0.75 (0.75 to 0.75) | 0.50 |"
    )


def test_it_measures_a_catalogue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = ("piscine gonflable", "roman policier", "console portable")
    drawn = np.random.default_rng(1)
    numbers = drawn.integers(3, size=300)
    titles = [f"{kinds[number]} {row} {drawn.integers(99)}" for row, number in enumerate(numbers)]
    table = {"designation": titles, "description": "", "productid": 1, "imageid": 1}
    pd.DataFrame(table).to_csv(tmp_path / TRAIN_PRODUCTS)
    codes = pd.DataFrame({"prdtypecode": [CODES[number] for number in numbers]})
    codes.to_csv(tmp_path / TRAIN_CODES)
    plot = tmp_path / "drawn" / "order.png"
    sizes = ["--start", "30", "--step", "10", "--rounds", "2", "--seeds", "1"]
    assert main(["--data", str(tmp_path), *sizes, "--slips", "0.1", "--plot", str(plot)]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[-1].startswith(f"| {RULE} | ")
    assert f"seed 1: 30 products first, {240 - 30} to ask about, 60" in told.err
    assert plot.stat().st_size > 0
