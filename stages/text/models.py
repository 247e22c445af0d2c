"""The text models: what an encoder gives to logits, as training builds and export loads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from serving.encoding.encoders import SHAPES, Encoder, WordEncoder, read_encoder
from serving.listing.labels import CODES
from stages.common.keras_setup import keras
from stages.common.paths import WEIGHTS
from stages.common.reciprocal_root import reciprocal_root
from stages.common.settings import Lstm, Ngrams

layers = keras.layers

_WORD_VECTORS = "word_vectors"
_SHAPE_DIMENSIONS = 16
_MOST_STEPS = 127  # that a signed byte can count


def linear(settings: Ngrams, _: Encoder) -> keras.Model:
    """The weighted sum of a row of the kernel for each n-gram: a sparse linear model."""
    found = keras.Input((None,), dtype="int32", name="buckets")
    values = keras.Input((None,), dtype="float32", name="values")
    rows = _Kernel(2**settings.bits, len(CODES), name="kernel")(found)
    summed = layers.Dot(axes=1, name="sum")([values, rows])
    logits = _Link(name="logits")(summed)
    return keras.Model({"buckets": found, "values": values}, logits, name="ngrams")


class _Kernel(keras.layers.Layer):
    """A row of weights for each bucket, a byte each, in steps of which the row says the size.

    A quarter of the memory and of the export: this is what makes many buckets affordable.
    """

    def __init__(self, buckets: int, codes: int, **rest: Any) -> None:
        super().__init__(**rest)
        self._shape = (buckets, codes)

    def build(self, _: tuple[int | None, ...]) -> None:
        self.steps = self.add_weight(
            shape=self._shape, dtype="int8", initializer="zeros", trainable=False, name="steps"
        )
        self.size = self.add_weight(
            shape=(self._shape[0], 1), initializer="zeros", trainable=False, name="size"
        )

    def call(self, buckets: keras.KerasTensor) -> keras.KerasTensor:
        steps = keras.ops.take(self.steps, buckets, axis=0)
        return keras.ops.cast(steps, "float32") * keras.ops.take(self.size, buckets, axis=0)


class _Link(keras.layers.Layer):
    """Least-squares scores, one bias a code added, to logits.

    The scores estimate the probability of each code, but leave 0..1 (Hastie et al., 2009, "The
    Elements of Statistical Learning", 4.2). Their logarithm, floored, is right between codes that
    are in question; the linear term tells sure answers apart, where the logarithm is flat. Their
    proportion is the one that made held-out products most likely.
    """

    def build(self, shape: tuple[int | None, int]) -> None:
        self.bias = self.add_weight(shape=(shape[-1],), initializer="zeros", name="bias")

    def call(self, scores: keras.KerasTensor) -> keras.KerasTensor:
        scores = scores + self.bias
        return 2.0 * scores + keras.ops.log(keras.ops.relu(scores) + 0.02)


def set_linear(
    model: keras.Model, buckets: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> None:
    """Give the linear model the rows of its kernel for `buckets`, float32 [k, codes], and its bias,
    float32 [codes]; the rows of all other buckets are 0."""
    layer = model.get_layer("kernel")
    steps, size = (np.zeros(of.shape, of.dtype) for of in layer.get_weights())
    size[buckets] = np.abs(kernel).max(axis=1, keepdims=True) / _MOST_STEPS
    steps[buckets] = np.rint(kernel / np.where(size[buckets] > 0, size[buckets], 1))
    layer.set_weights([steps, size])
    model.get_layer("logits").set_weights([bias])


def lstm(settings: Lstm, encoder: WordEncoder) -> keras.Model:
    """What `encoder` gives, through one layer both ways; the most and the mean of each field."""
    designation, places = encoder.lengths[0], sum(encoder.lengths)
    words = keras.Input((places,), dtype="int32", name="words")
    pieces = keras.Input((places, encoder.pieces), dtype="int32", name="pieces")
    shapes = keras.Input((places,), dtype="int32", name="shapes")
    present = keras.ops.cast(keras.ops.not_equal(words, 0), "float32")[..., None]
    known = keras.ops.cast(keras.ops.not_equal(pieces, 0), "float32")[..., None]
    count = keras.ops.maximum(keras.ops.sum(known, axis=2), 1.0)
    spelled = layers.Embedding(encoder.buckets, settings.piece_dimensions)(pieces)
    spelled = keras.ops.sum(spelled * known, axis=2) * reciprocal_root(count)
    vectors = layers.Embedding(
        len(encoder.vocabulary) + 2, settings.dimensions, name=_WORD_VECTORS
    )(words)
    drawn = layers.Embedding(SHAPES, _SHAPE_DIMENSIONS)(shapes)
    x = layers.Concatenate()([vectors, spelled, drawn]) * present
    x = layers.SpatialDropout1D(settings.dropout / 2)(x)
    read = layers.LSTM(settings.units, return_sequences=True, recurrent_initializer=_Orthogonal())
    x = layers.Bidirectional(read)(x)
    pooled = []
    for field in (slice(0, designation), slice(designation, places)):
        states, there = x[:, field], present[:, field]
        pooled.append(keras.ops.max(states * there, axis=1))
        length = keras.ops.maximum(keras.ops.sum(there, axis=1), 1.0)
        pooled.append(keras.ops.sum(states * there, axis=1) / length)
    x = layers.Dropout(settings.dropout)(layers.Concatenate()(pooled))
    inputs = {"words": words, "pieces": pieces, "shapes": shapes}
    return keras.Model(inputs, layers.Dense(len(CODES), name="logits")(x), name="lstm")


@keras.saving.register_keras_serializable("text")
class _Orthogonal(keras.initializers.Orthogonal):
    """Keras's own for a matrix, factorised by NumPy: TensorFlow's factors vary by processor."""

    def __call__(self, shape: tuple[int, int], dtype: str | None = None) -> np.ndarray:
        drawn = keras.random.normal((max(shape), min(shape)), seed=self.seed)
        basis, factor = np.linalg.qr(np.asarray(drawn, np.float64))
        basis *= np.sign(np.diag(factor))
        return self.gain * (basis if shape[0] >= shape[1] else basis.T)


def set_word_vectors(model: keras.Model, vectors: np.ndarray) -> None:
    """Let the LSTM's words begin at `vectors`, float32 [vocabulary + 2, dimensions]."""
    model.get_layer(_WORD_VECTORS).set_weights([vectors])


_MODELS: Mapping[type, Callable[[Any, Any], keras.Model]] = {Ngrams: linear, Lstm: lstm}
"""By settings: (settings, encoder) -> the untrained model."""


def load(settings: Ngrams | Lstm, folder: Path) -> tuple[Encoder, keras.Model]:
    """The trained branch in `folder`: its encoder, and its model from what that gives to logits."""
    encoder = read_encoder(folder)
    model = _MODELS[type(settings)](settings, encoder)
    model.load_weights(folder / WEIGHTS)
    return encoder, model
