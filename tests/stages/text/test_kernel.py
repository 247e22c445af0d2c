"""The kernel of the linear model, kept in a byte a weight."""

from __future__ import annotations

import numpy as np
import pytest

from serving.encoding.encoders import NgramEncoder
from serving.encoding.ngrams import VIEWS
from serving.listing.text import Text
from stages.common.settings import Ngrams, load
from stages.text.ngrams import TooManyWeightsError, linear, set_linear
from tests.support.rakuten import CODES
from tests.support.repository import ROOT

BITS = 8

pytestmark = pytest.mark.slow  # TensorFlow


def test_a_weight_is_off_by_half_a_step_at_most_and_other_buckets_count_nothing() -> None:
    settings = load(ROOT / "params.yaml").text
    assert isinstance(settings, Ngrams)
    encoder = NgramEncoder.fit([Text("piscine", "")], BITS, 1, dict.fromkeys(VIEWS, 1.0))
    model = linear(settings.model_copy(update={"bits": BITS}), encoder, len(CODES))
    random = np.random.default_rng(4)
    kernel = random.normal(size=(3, len(CODES))).astype(np.float32)
    kernel[1] *= 1000  # each bucket has a step of its own
    kernel[2] = 0
    buckets = np.array([7, 250, 9])
    set_linear(model, buckets, kernel, np.zeros(len(CODES), np.float32))
    found = model.get_layer("kernel")(np.array([[*buckets.tolist(), 8]], np.int32)).numpy()[0]
    half = np.abs(kernel).max(axis=1, keepdims=True) / 127 / 2
    assert (np.abs(found[:3] - kernel) <= 1.001 * half).all()
    assert not found[3].any()


def test_more_weights_than_a_file_holds_are_refused_with_what_would_do() -> None:
    settings = load(ROOT / "params.yaml").text
    assert isinstance(settings, Ngrams)
    encoder = NgramEncoder.fit([Text("piscine", "")], BITS, 1, dict.fromkeys(VIEWS, 1.0))
    with pytest.raises(TooManyWeightsError, match=r"text\.bits = 20 with 2,000 codes .* to 19 or"):
        linear(settings, encoder, 2000)
