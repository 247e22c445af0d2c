"""Reciprocal square roots that every processor rounds alike, and the layer that needs them.

TensorFlow takes them in single precision by an approximate instruction, which differs by maker, and
its graph optimiser makes one of any `a / sqrt(b)`. In double precision it divides by the root.
"""

from __future__ import annotations

from stages.common.keras_setup import keras

ops = keras.ops


def reciprocal_root(x: keras.KerasTensor) -> keras.KerasTensor:
    """1 / sqrt(x), float32, of the shape of `x`."""
    return ops.cast(1.0 / ops.sqrt(ops.cast(x, "float64")), "float32")


class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's own, over the last axis of float32, with the reciprocal root from here."""

    def call(
        self, inputs: keras.KerasTensor, training: bool | None = None, mask: None = None
    ) -> keras.KerasTensor:
        """See Keras; there is no mask, though copied networks hand on that there is none."""
        mean, variance = self.moving_mean, self.moving_variance
        if training and self.trainable:
            mean, variance = ops.moments(inputs, axes=tuple(range(inputs.ndim - 1)))
            for average, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
                average.assign(average * self.momentum + batch * (1.0 - self.momentum))
        scale = self.gamma * reciprocal_root(variance + self.epsilon)
        return inputs * scale + (self.beta - mean * scale)


def with_exact_normalization(network: keras.Model) -> keras.Model:
    """A copy of a network of Keras's own, weights included, with BatchNormalization from here."""

    def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
        normalizes = isinstance(layer, keras.layers.BatchNormalization)
        return (BatchNormalization if normalizes else type(layer)).from_config(layer.get_config())

    copy = keras.models.clone_model(network, clone_function=copied)
    copy.set_weights(network.get_weights())
    return copy
