"""The exact normalisation is Keras's own, but for the last digit."""

from __future__ import annotations

import numpy as np
import pytest

from stages.common.keras_setup import keras
from stages.common.reciprocal_root import (
    BatchNormalization,
    reciprocal_root,
    with_exact_normalization,
)

pytestmark = pytest.mark.slow  # loads TensorFlow

random = np.random.default_rng(3)


def test_the_root_is_the_nearest_number() -> None:
    x = random.uniform(1e-6, 1e6, 10_000).astype(np.float32)
    exact = (1 / np.sqrt(x.astype(np.float64))).astype(np.float32)
    assert np.array_equal(np.asarray(reciprocal_root(x)), exact)


def test_a_layer_trains_and_answers_as_that_of_keras() -> None:
    layers = [kind(momentum=0.9) for kind in (keras.layers.BatchNormalization, BatchNormalization)]
    for training in (True, True, False):
        x = random.normal(3, 2, (16, 4, 4, 5)).astype(np.float32)
        one, other = (np.asarray(layer(x, training=training)) for layer in layers)
        assert np.allclose(one, other, atol=1e-5)
        if training:
            assert np.allclose(other.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    for one, other in zip(*(layer.get_weights() for layer in layers), strict=True):
        assert np.allclose(one, other)


def test_a_frozen_layer_does_not_learn() -> None:
    layer = BatchNormalization()
    layer.trainable = False
    x = random.normal(3, 2, (16, 5)).astype(np.float32)
    assert np.allclose(np.asarray(layer(x, training=True)), x, rtol=1e-3)


def test_a_copied_network_has_the_weights_and_no_layer_of_keras() -> None:
    given = keras.Input((6,))
    answer = keras.layers.Dense(2)(keras.layers.BatchNormalization(name="n")(given))
    network = keras.Model(given, answer)
    network.set_weights([random.uniform(0.5, 2, w.shape) for w in network.get_weights()])
    copy = with_exact_normalization(network)
    x = random.normal(size=(4, 6)).astype(np.float32)
    assert np.allclose(np.asarray(network(x)), np.asarray(copy(x)), atol=1e-5)
    assert type(copy.get_layer("n")) is BatchNormalization
