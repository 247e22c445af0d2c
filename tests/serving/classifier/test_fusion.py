"""Fusion: probabilities in the four states of a product, and which answers are accepted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from serving.classifier.fusion import STATES, Blend, Fusion, softmax, states

CODES = (10, 40, 50)
STACKED = Fusion(
    method="stacked",
    codes=CODES,
    prior=(0.5, 0.3, 0.2),
    blends={
        "text": Blend(1.5, 0.0, (0.1, 0.0, -0.1)),
        "image": Blend(0.0, 0.5, (0.0, 0.2, 0.0)),
        "both": Blend(1.2, 0.4, (0.05, 0.0, 0.0)),
    },
    precision=0.95,
    thresholds={"text": 0.6, "image": 2.0, "both": 0.5},
)
WEIGHTED = replace(
    STACKED,
    method="weighted",
    blends={
        "text": Blend(1.5, 0.0, (0.0,) * 3),
        "image": Blend(0.0, 0.5, (0.0,) * 3),
        "both": Blend(1.2, 0.4, (0.0,) * 3, share=0.7, power=1.3),
    },
)
FUSIONS = pytest.mark.parametrize("fusion", [STACKED, WEIGHTED], ids=["stacked", "weighted"])
YES, NO = np.array([True]), np.array([False])
LOGITS = arrays(np.float32, (4, 3), elements=st.floats(-1000, 1000, width=32))
FOUR = np.array([False, True, False, True]), np.array([False, False, True, True])
"""has_text and has_image of four products, one in each state, in the order of STATES."""


def test_there_are_four_states() -> None:
    assert states(*FOUR).tolist() == ["none", "text", "image", "both"] == list(STATES)


@FUSIONS
@given(text=LOGITS, image=LOGITS)
def test_probabilities_sum_to_one_in_every_state(
    fusion: Fusion, text: np.ndarray, image: np.ndarray
) -> None:
    p = fusion.probabilities(text, image, *FOUR)
    assert p.shape == (4, 3)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)


@FUSIONS
def test_an_absent_branch_is_ignored(fusion: Fusion) -> None:
    z = np.array([[1.0, 2.0, 3.0]])
    for other in (np.zeros((1, 3)), np.array([[9.0, -9.0, 0.0]]), np.full((1, 3), 1e6)):
        np.testing.assert_array_equal(
            fusion.probabilities(z, other, YES, NO), fusion.probabilities(z, z, YES, NO)
        )
        np.testing.assert_array_equal(
            fusion.probabilities(other, z, NO, YES), fusion.probabilities(z, z, NO, YES)
        )


@FUSIONS
def test_a_present_branch_is_heard(fusion: Fusion) -> None:
    z, other = np.array([[1.0, 2.0, 3.0]]), np.array([[3.0, 2.0, 1.0]])
    before = fusion.probabilities(z, z, YES, YES)
    assert not np.allclose(before, fusion.probabilities(z, other, YES, YES))
    assert not np.allclose(before, fusion.probabilities(other, z, YES, YES))


@FUSIONS
def test_each_product_is_answered_by_its_own_state(fusion: Fusion) -> None:
    z = np.arange(12, dtype=np.float32).reshape(4, 3) % 5
    together = fusion.probabilities(z, -z, *FOUR)
    for row in range(4):
        alone = fusion.probabilities(
            z[row : row + 1], -z[row : row + 1], *(has[row : row + 1] for has in FOUR)
        )
        np.testing.assert_allclose(together[row], alone[0])


@FUSIONS
def test_nothing_to_go_by_is_answered_with_the_prior_and_never_accepted(fusion: Fusion) -> None:
    z = np.array([[9.0, 0.0, 0.0]])
    np.testing.assert_array_equal(fusion.probabilities(z, z, NO, NO), [fusion.prior])
    assert not fusion.accepted(np.array([1.0]), states(NO, NO)).any()


def test_stacked_is_the_softmax_of_the_weighted_logits_and_bias() -> None:
    blend = Blend(text_weight=2.0, image_weight=0.5, bias=(0.0, float(np.log(3)), 0.0))
    text = np.array([[np.log(2), 0.0, 0.0]])
    image = np.array([[0.0, 0.0, 2 * np.log(5)]])
    # exp: 2^2 = 4, 3, 5^(2 * 0.5) = 5
    np.testing.assert_allclose(blend.probabilities(text, image), [[4 / 12, 3 / 12, 5 / 12]])


def test_weighted_is_the_sharpened_mean_of_the_calibrated_branches() -> None:
    blend = Blend(text_weight=2.0, image_weight=1.0, bias=(0.0, 0.0), share=0.75, power=2.0)
    text = np.array([[np.log(2), 0.0]])  # 4:1 once weighted
    image = np.array([[0.0, np.log(3)]])  # 1:3
    mixed = np.array([0.75 * 0.8 + 0.25 * 0.25, 0.75 * 0.2 + 0.25 * 0.75])  # 0.6625, 0.3375
    expected = mixed**2 / (mixed**2).sum()
    np.testing.assert_allclose(blend.probabilities(text, image), [expected])
    np.testing.assert_allclose(expected, [0.79396, 0.20604], atol=1e-5)


def test_stacked_and_weighted_differ() -> None:
    z = np.array([[3.0, 0.0, 0.0]]), np.array([[0.0, 0.0, 3.0]])
    assert not np.allclose(
        STACKED.probabilities(*z, YES, YES), WEIGHTED.probabilities(*z, YES, YES), atol=0.01
    )


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_weighted_survives_a_branch_that_is_certain(share: float) -> None:
    blend = Blend(1.0, 1.0, (0.0, 0.0), share=share)
    p = blend.probabilities(np.array([[1e5, 0.0]]), np.array([[0.0, 1e5]]))
    assert np.isfinite(p).all()
    assert p.argmax() == (0 if share else 1)


@given(arrays(np.float64, (2, 4), elements=st.floats(-1e6, 1e6)), st.floats(-1e3, 1e3))
def test_softmax_neither_overflows_nor_sees_a_common_offset(z: np.ndarray, offset: float) -> None:
    p = softmax(z)
    np.testing.assert_allclose(p.sum(axis=-1), 1)
    np.testing.assert_allclose(softmax(z + offset), p, atol=1e-6)


def test_acceptance_depends_on_the_state_s_own_threshold() -> None:
    confidence = np.array([1.0, 0.6, 0.59, 1.0, 0.5, 0.4999])
    state = np.array(["none", "text", "text", "image", "both", "both"])
    assert STACKED.accepted(confidence, state).tolist() == [False, True, False, False, True, False]


def test_a_state_without_threshold_accepts_nothing() -> None:
    fusion = replace(STACKED, thresholds={})
    assert not fusion.accepted(np.ones(4), np.array(STATES)).any()


def test_no_products_give_no_answers() -> None:
    nothing = np.zeros((0, 3), np.float32)
    nobody = np.zeros(0, bool)
    assert STACKED.probabilities(nothing, nothing, nobody, nobody).shape == (0, 3)
    assert STACKED.accepted(np.zeros(0), states(nobody, nobody)).shape == (0,)


@FUSIONS
def test_reading_gives_what_was_written_and_writing_again_equal_bytes(
    fusion: Fusion, tmp_path: Path
) -> None:
    fusion.write(tmp_path / "a.json")
    read = Fusion.read(tmp_path / "a.json")
    assert read == fusion
    read.write(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
