"""The text models and the encoder each of them reads through."""

from __future__ import annotations

from collections.abc import Sequence

from serving.classifier.encoders import WordEncoder
from serving.classifier.text import Text
from stages.keras_setup import keras
from stages.settings import Lstm

layers = keras.layers


def fit_encoder(settings: Lstm, texts: Sequence[Text]) -> WordEncoder:
    """What the model reads through, fitted on the texts of train and validation (no labels)."""
    return WordEncoder.fit(texts, settings.vocabulary, settings.length)


def build(settings: Lstm, encoder: WordEncoder, codes: int) -> keras.Model:
    """The untrained model; its inputs are what `encoder` gives, its output is logits."""
    words = keras.Input((settings.length,), dtype="int32", name="words")
    x = layers.Embedding(len(encoder.vocabulary) + 2, settings.dimensions)(words)
    x = layers.SpatialDropout1D(settings.dropout)(x)
    x = layers.LSTM(settings.units)(x)
    x = layers.Dropout(settings.dropout)(x)
    return keras.Model({"words": words}, layers.Dense(codes, name="logits")(x), name="lstm")
