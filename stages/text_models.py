"""The text models and the encoder each of them reads through."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from serving.classifier.encoders import Encoder, NgramEncoder, WordEncoder
from serving.classifier.text import Text
from stages.keras_setup import keras
from stages.settings import Lstm, Ngrams

layers = keras.layers


def fit_encoder(settings: Lstm | Ngrams, texts: Sequence[Text]) -> Encoder:
    """What the model reads through, fitted on the texts of train and validation (no labels)."""
    if isinstance(settings, Lstm):
        return WordEncoder.fit(texts, settings.vocabulary, settings.length)
    return NgramEncoder.fit(texts, settings.bits, settings.least, settings.shares.model_dump())


def build(settings: Lstm | Ngrams, encoder: Encoder, codes: int) -> keras.Model:
    """The untrained model; its inputs are what `encoder` gives, its output is logits."""
    if isinstance(encoder, WordEncoder) and isinstance(settings, Lstm):
        return _lstm(settings, len(encoder.vocabulary) + 2, codes)
    if isinstance(settings, Ngrams):
        return _linear(2**settings.bits, codes)
    raise TypeError(f"{settings.model} does not read through {type(encoder).__name__}")


def linear(kernel: np.ndarray, bias: np.ndarray) -> keras.Model:
    """The n-gram model with kernel [buckets, codes] and bias [codes]."""
    model = _linear(*kernel.shape)
    model.get_layer("kernel").set_weights([kernel])
    model.get_layer("logits").set_weights([bias])
    return model


def _lstm(settings: Lstm, words_known: int, codes: int) -> keras.Model:
    words = keras.Input((settings.length,), dtype="int32", name="words")
    x = layers.Embedding(words_known, settings.dimensions)(words)
    x = layers.SpatialDropout1D(settings.dropout)(x)
    x = layers.Bidirectional(layers.LSTM(settings.units, return_sequences=True))(x)
    x = layers.Concatenate()([layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D()(x)])
    x = layers.Dropout(settings.dropout)(x)
    return keras.Model({"words": words}, layers.Dense(codes, name="logits")(x), name="lstm")


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
