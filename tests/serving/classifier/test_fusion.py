"""Fusion of the branches."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from serving.classifier.fusion import Blend, Branch, BranchLogits, Ensemble, Fusion, softmax, states

CODES = (10, 40, 50)
FUSION = Fusion(
    method="stacked",
    codes=CODES,
    prior=(0.5, 0.3, 0.2),
    blends={
        "text": Blend({"text": 2.0}, (0.0, 0.0, 0.0), ensemble=Ensemble(1.5, 1.0, 0.0)),
        "image": Blend({"image": 1.0}, (0.0, 0.0, 0.0)),
        "both": Blend(
            {"text": 0.0, "image": 0.0}, (0.0, 0.0, 0.0), shares={"text": 0.25, "image": 0.75}
        ),
    },
    precision=0.9,
    thresholds={"text": 0.6, "both": 0.9, "image": 2.0},
)
TEXT = np.array([[1.0, 0.0, 0.0]] * 4)
IMAGE = np.array([[0.0, 3.0, 0.0]] * 4)
HAS_TEXT = np.array([False, True, False, True])
HAS_IMAGE = np.array([False, False, True, True])


def test_each_state_has_its_own_answer() -> None:
    p = FUSION.probabilities({"text": TEXT, "image": IMAGE}, HAS_TEXT, HAS_IMAGE)
    assert np.allclose(p.sum(axis=1), 1)
    assert np.allclose(p[0], FUSION.prior)
    assert np.allclose(p[1], softmax(3 * TEXT[0]))
    assert np.allclose(p[2], softmax(IMAGE[0]))
    assert np.allclose(p[3], 1 / 3)


def test_logits_of_an_absent_branch_are_ignored() -> None:
    nonsense = np.full((4, 3), 1e6)
    logits: BranchLogits = {"text": TEXT, "image": nonsense, "language": nonsense}
    text_only = FUSION.probabilities(logits, HAS_TEXT, np.zeros(4, bool))
    assert np.allclose(text_only[1], softmax(3 * TEXT[0]))


def test_nothing_is_accepted_without_evidence_or_below_the_threshold() -> None:
    state = states(HAS_TEXT, HAS_IMAGE)
    assert state.tolist() == ["none", "text", "image", "both"]
    accepted = FUSION.accepted(np.array([1.0, 0.6, 1.0, 0.89]), state, np.zeros(4, int))
    assert accepted.tolist() == [False, True, False, False]


BY_CODE = replace(FUSION, code_thresholds={"text": {"40": 0.8, "50": 0.4}, "image": {"10": 0.7}})


def test_a_code_has_its_own_threshold_or_that_of_the_state() -> None:
    asked = [
        ("text", 0, 0.6, True),
        ("image", 0, 0.7, True),
        ("text", 1, 0.79, False),
        ("text", 1, 0.8, True),
        ("none", 1, 1.0, False),
        ("image", 0, 0.69, False),
        ("text", 2, 0.4, True),
        ("both", 1, 0.9, True),
        ("text", 2, 0.39, False),
        ("image", 1, 1.0, False),
    ]
    state, column, confidence, expected = map(np.array, zip(*asked, strict=True))
    assert BY_CODE.accepted(confidence, state, column).tolist() == expected.tolist()


def test_a_mixture_is_weighed_by_its_shares() -> None:
    shares: dict[Branch, float] = {"text": 0.25, "language": 0.15, "image": 0.6}
    blend = Blend(dict.fromkeys(shares, 1.0), (0.0,) * 3, shares)
    logits: BranchLogits = {"text": TEXT[:1], "language": -TEXT[:1], "image": IMAGE[:1]}
    expected = sum(share * softmax(logits[branch]) for branch, share in shares.items())
    assert np.allclose(blend.probabilities(logits), expected)


def test_all_branches_that_read_the_text_answer_to_it() -> None:
    blend = Blend({"text": 2.0, "language": 0.5}, (0.0, 0.0, 1.0))
    logits: BranchLogits = {"text": TEXT[:1], "language": IMAGE[:1], "image": IMAGE[:1]}
    assert np.allclose(blend.logits(logits), [[2.0, 1.5, 1.0]])


def test_an_ensemble_keeps_the_order_and_leaves_the_rest_to_every_code() -> None:
    logits = np.array([[4.0, 1.0, 0.0]])
    p = Ensemble(power=2.0, scaled=0.5, plain=0.3).probabilities(logits)
    assert np.allclose(p, 0.5 * softmax(2 * logits) + 0.3 * softmax(logits) + 0.2 / 3)
    assert np.argsort(p[0]).tolist() == [2, 1, 0]
    assert np.allclose(Ensemble().probabilities(logits), softmax(logits))


def test_fusion_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    for fusion in (FUSION, BY_CODE):
        fusion.write(tmp_path / "fusion.json")
        assert Fusion.read(tmp_path / "fusion.json") == fusion


def test_thresholds_of_codes_are_stored_where_there_are_some(tmp_path: Path) -> None:
    """Whoever asks for none has the file, and its hash, of before there were any."""
    stored = []
    for fusion in (FUSION, BY_CODE):
        fusion.write(tmp_path / "fusion.json")
        stored.append(json.loads((tmp_path / "fusion.json").read_text(encoding="utf-8")))
    by_state, by_code = stored
    assert set(by_code) - set(by_state) == {"code_thresholds"}
    assert by_code.pop("code_thresholds") == BY_CODE.code_thresholds
    assert by_code == by_state


def test_the_order_in_which_weights_were_stored_changes_no_bit() -> None:
    random = np.random.default_rng(0)
    weights: dict[Branch, float] = {"text": 1.1, "language": 0.07, "image": 0.3}
    logits: BranchLogits = {branch: random.normal(size=(200, 3)) for branch in weights}
    found = [
        Blend({branch: weights[branch] for branch in order}, (0.1, 0.2, 0.3)).logits(logits)
        for order in permutations(weights)
    ]
    assert all((other == found[0]).all() for other in found)


def test_a_fusion_of_an_earlier_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "fusion.json"
    FUSION.write(path)
    stored = json.loads(path.read_text(encoding="utf-8"))
    for blend in stored["blends"].values():
        blend.pop("weights")
        blend |= {"text_weight": 1.0, "image_weight": 0.0}
    path.write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"fusion.json is none of this version .*`weights`.*make repro"
    ):
        Fusion.read(path)
