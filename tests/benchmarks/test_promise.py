"""The benchmark of the promise: what it counts, and that it tells a broken promise from chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml

from stages.common.held_out import HeldOut
from tests.benchmarks.promise import HEADER, Dealer, Kept, arguments, markdown, of_metrics, rows
from tests.support.rakuten import CODES
from tests.support.repository import ROOT


def test_splits_are_told_by_state() -> None:
    kept = [
        Kept("text", 100, 50, 50),
        Kept("image", 10, 0, 0),
        Kept("text", 100, 60, 56),  # below 0.95, as chance has it
        Kept("image", 10, 0, 0),
        Kept("text", 100, 40, 30),  # below by more
        Kept("image", 10, 1, 1),
    ]
    text, image = [dict(zip(HEADER, row, strict=True)) for row in rows(kept, 0.95)]
    assert (text["splits"], text["with any"], text["in all"]) == ("3", "3", "136 of 150")
    assert text["accepted"] == "0.500 ± 0.082"
    assert (text["below"], text["by more than chance"]) == ("2", "1")
    assert (image["with any"], image["right"], image["below"]) == ("1", "1.000 ± 0.000", "0")
    assert markdown(kept, 0.95).count("\n") == 3


def test_nothing_accepted_has_no_precision() -> None:
    (row,) = rows([Kept("image", 10, 0, 0)], 0.95)
    assert dict(zip(HEADER, row, strict=True))["right"] == "–"


def test_the_test_answers_are_those_of_the_metrics() -> None:
    states = {"text": {"answers": 9, "accepted": 5, "accepted_right": 4}}
    assert list(of_metrics({"accepted": {"states": states}})) == [Kept("text", 9, 5, 4)]


def dealer(codes: int) -> Dealer:
    """Of 3,000 products of the first `codes`, a third of them with text and picture."""
    random = np.random.default_rng(0)
    ids, labels = np.arange(3000), random.integers(0, codes, 3000)
    products = pd.DataFrame({"id": ids, "group": ids // 2, "prdtypecode": np.array(CODES)[labels]})

    def branch(strength: float, of: np.ndarray) -> HeldOut:
        logits = random.normal(size=(len(of), len(CODES)))
        logits[np.arange(len(of)), labels[of]] += strength
        return HeldOut(ids[of], (strength * logits).astype(np.float32), ids[of])

    return Dealer(products, {"text": branch(3.0, ids[:2000]), "image": branch(2.0, ids[1000:])})


PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def test_dealt_products_are_learnt_from_or_tested_on() -> None:
    dealt = {kept.state: kept for kept in dealer(len(CODES)).deal(PARAMS, 0)}
    assert set(dealt) == {"text", "image", "both"}
    for kept in dealt.values():
        assert kept.answers == pytest.approx(200, abs=60)
        assert 0 <= kept.right <= kept.accepted <= kept.answers
    assert dealt["both"].accepted > dealt["image"].accepted


def test_what_has_a_threshold_is_what_the_parameters_say() -> None:
    few = dealer(4)
    by_state, by_code = (
        list(few.deal({**PARAMS, "evaluate": {**PARAMS["evaluate"], "acceptance": one}}, 0))
        for one in ("state", "code")
    )
    assert [kept.answers for kept in by_state] == [kept.answers for kept in by_code]
    assert [kept.accepted for kept in by_state] != [kept.accepted for kept in by_code]


def test_ten_splits_are_the_default() -> None:
    assert arguments([]).seeds == list(range(1, 11))
