"""The image models, as training builds and export loads them.

Exported, each takes `pixels`, uint8 [n, size, size, 3], and gives logits, float32 [n, codes].
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from serving.listing.labels import CODES
from stages.common.keras_setup import keras
from stages.common.paths import WEIGHTS
from stages.common.reciprocal_root import BatchNormalization
from stages.common.settings import Cnn, Dense, Discriminant, Frozen
from stages.pictures.backbones import backbone

layers = keras.layers


def cnn(settings: Cnn) -> keras.Model:
    """Convolution blocks, then the average over the picture, then a linear layer."""
    pixels = keras.Input((settings.size, settings.size, 3), dtype="uint8", name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    x = layers.RandomFlip("horizontal")(x)
    for filters in settings.filters:
        x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        # Short epochs: with the usual momentum of 0.99 the averages would lag behind for several.
        x = BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(settings.dropout)(x)
    return keras.Model({"pixels": pixels}, layers.Dense(len(CODES), name="logits")(x), name="cnn")


def head(settings: Dense | Discriminant, features: int) -> keras.Model:
    """Features, float32 [n, features], to logits."""
    x = given = keras.Input((features,), name="features")
    if isinstance(settings, Dense):
        x = BatchNormalization()(x)
        x = layers.Dropout(settings.dropout)(x)
        if settings.units:
            x = layers.Dense(settings.units, activation="relu")(x)
            x = layers.Dropout(settings.dropout)(x)
    return keras.Model({"features": given}, layers.Dense(len(CODES), name="logits")(x), name="head")


def set_linear(model: keras.Model, kernel: np.ndarray, bias: np.ndarray) -> None:
    """Give a linear head its kernel, float32 [features, codes], and bias, float32 [codes]."""
    model.get_layer("logits").set_weights([kernel, bias])


def load(settings: Cnn | Frozen, folder: Path) -> keras.Model:
    """The trained branch in `folder`, the frozen network included: pixels to logits."""
    if isinstance(settings, Cnn):
        model = cnn(settings)
        model.load_weights(folder / WEIGHTS)
        return model
    network = backbone(settings)
    trained = head(settings.head, network.output.shape[1])
    trained.load_weights(folder / WEIGHTS)
    logits = trained({"features": network.output})
    return keras.Model({"pixels": network.inputs[0]}, logits, name=settings.model)
