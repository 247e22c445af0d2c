"""The text models and the encoder each of them reads through."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from serving.encoding.encoders import SHAPES, Encoder, NgramEncoder, WordEncoder
from serving.listing.text import Text
from stages.common.keras_setup import keras
from stages.common.settings import Lstm, Ngrams

layers = keras.layers

_WORD_VECTORS = "word_vectors"
_SHAPE_DIMENSIONS = 16


def fit_encoder(settings: Lstm | Ngrams, texts: Sequence[Text]) -> Encoder:
    """What the model reads through, fitted on the texts of train and validation (no labels)."""
    if isinstance(settings, Lstm):
        lengths = settings.title_words, settings.description_words
        return WordEncoder.fit(
            texts, settings.vocabulary, lengths, settings.pieces, settings.piece_buckets
        )
    return NgramEncoder.fit(texts, settings.bits, settings.least, settings.shares.model_dump())


def build(settings: Lstm | Ngrams, encoder: Encoder, codes: int) -> keras.Model:
    """The untrained model; its inputs are what `encoder` gives, its output is logits."""
    if isinstance(encoder, WordEncoder) and isinstance(settings, Lstm):
        return _lstm(settings, encoder, codes)
    if isinstance(settings, Ngrams):
        return _linear(2**settings.bits, codes)
    raise TypeError(f"{settings.model} does not read through {type(encoder).__name__}")


def linear(kernel: np.ndarray, bias: np.ndarray) -> keras.Model:
    """The n-gram model with kernel [buckets, codes] and bias [codes]."""
    model = _linear(*kernel.shape)
    model.get_layer("kernel").set_weights([kernel])
    model.get_layer("logits").set_weights([bias])
    return model


def set_vectors(model: keras.Model, vectors: np.ndarray) -> None:
    """Let the embedding of words begin at `vectors`, float32 [vocabulary + 2, dimensions]."""
    model.get_layer(_WORD_VECTORS).set_weights([vectors])


def _lstm(settings: Lstm, encoder: WordEncoder, codes: int) -> keras.Model:
    """Words as vectors, pieces and shape, read both ways; the most and the mean of each field."""
    title, places = encoder.lengths[0], sum(encoder.lengths)
    words = keras.Input((places,), dtype="int32", name="words")
    pieces = keras.Input((places, encoder.pieces), dtype="int32", name="pieces")
    shapes = keras.Input((places,), dtype="int32", name="shapes")
    present = keras.ops.cast(keras.ops.not_equal(words, 0), "float32")[..., None]
    known = keras.ops.cast(keras.ops.not_equal(pieces, 0), "float32")[..., None]
    count = keras.ops.maximum(keras.ops.sum(known, axis=2), 1.0)
    spelled = layers.Embedding(encoder.buckets, settings.piece_dimensions)(pieces)
    spelled = keras.ops.sum(spelled * known, axis=2) / keras.ops.sqrt(count)
    vectors = layers.Embedding(
        len(encoder.vocabulary) + 2, settings.dimensions, name=_WORD_VECTORS
    )(words)
    drawn = layers.Embedding(SHAPES, _SHAPE_DIMENSIONS)(shapes)
    x = layers.Concatenate()([vectors, spelled, drawn]) * present
    x = layers.SpatialDropout1D(settings.dropout / 2)(x)
    x = layers.Bidirectional(layers.LSTM(settings.units, return_sequences=True))(x)
    pooled = []
    for field in (slice(0, title), slice(title, places)):
        states, there = x[:, field], present[:, field]
        pooled.append(keras.ops.max(states * there, axis=1))
        length = keras.ops.maximum(keras.ops.sum(there, axis=1), 1.0)
        pooled.append(keras.ops.sum(states * there, axis=1) / length)
    x = layers.Dropout(settings.dropout)(layers.Concatenate()(pooled))
    inputs = {"words": words, "pieces": pieces, "shapes": shapes}
    return keras.Model(inputs, layers.Dense(codes, name="logits")(x), name="lstm")


def _linear(buckets: int, codes: int) -> keras.Model:
    """The weighted sum of a row of the kernel for each n-gram: a sparse linear model."""
    found = keras.Input((None,), dtype="int32", name="buckets")
    values = keras.Input((None,), dtype="float32", name="values")
    rows = layers.Embedding(buckets, codes, name="kernel")(found)
    summed = layers.Dot(axes=1, name="sum")([values, rows])
    logits = _Link(name="logits")(summed)
    return keras.Model({"buckets": found, "values": values}, logits, name="ngrams")


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
