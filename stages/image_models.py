"""The image models: a network from scratch, or a head on a frozen pretrained network.

Every image model takes `pixels`, uint8 [n, size, size, 3], and gives logits, float32 [n, codes].
"""

from __future__ import annotations

from pathlib import Path

from stages.backbones import backbone
from stages.keras_setup import keras
from stages.settings import Cnn, Frozen

layers = keras.layers


def cnn(settings: Cnn, codes: int) -> keras.Model:
    """Convolution blocks, then the average over the picture, then a linear layer."""
    pixels = keras.Input((settings.size, settings.size, 3), dtype="uint8", name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    x = layers.RandomFlip("horizontal")(x)
    x = layers.RandomTranslation(0.1, 0.1, fill_mode="nearest")(x)
    for filters in settings.filters:
        x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        # Short epochs: with the usual momentum of 0.99 the averages would lag behind for several.
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(settings.dropout)(x)
    return keras.Model({"pixels": pixels}, layers.Dense(codes, name="logits")(x), name="cnn")


def head(settings: Frozen, features: int, codes: int) -> keras.Model:
    """The trained part: features, float32 [n, features], to logits."""
    x = given = keras.Input((features,), name="features")
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(settings.dropout)(x)
    if settings.units:
        x = layers.Dense(settings.units, activation="relu")(x)
        x = layers.Dropout(settings.dropout)(x)
    return keras.Model({"features": given}, layers.Dense(codes, name="logits")(x), name="head")


def load(settings: Cnn | Frozen, weights: Path, codes: int) -> keras.Model:
    """The trained model, pixels to logits, the frozen network included."""
    if isinstance(settings, Cnn):
        model = cnn(settings, codes)
        model.load_weights(weights)
        return model
    network = backbone(settings)
    trained = head(settings, network.output.shape[1], codes)
    trained.load_weights(weights)
    pixels = network.inputs[0]
    return keras.Model(
        {"pixels": pixels}, trained({"features": network.output}), name=settings.model
    )
