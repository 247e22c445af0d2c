"""The image models: a network from scratch, or a head on a frozen pretrained network.

Every image model takes `pixels`, uint8 [n, size, size, 3], and gives logits, float32 [n, codes].
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stages.common.keras_setup import keras
from stages.common.settings import Cnn, Dense, Discriminant, Frozen
from stages.pictures.backbones import backbone

layers = keras.layers


def cnn(settings: Cnn, codes: int) -> keras.Model:
    """Convolution blocks, then the average over the picture, then a linear layer."""
    pixels = keras.Input((settings.size, settings.size, 3), dtype="uint8", name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    x = layers.RandomFlip("horizontal")(x)
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


def build(settings: Cnn | Frozen, features: int, codes: int) -> keras.Model:
    """The trained part: the whole network, or the head on a frozen one."""
    if isinstance(settings, Cnn):
        return cnn(settings, codes)
    return head(settings.head, features, codes)


def head(settings: Dense | Discriminant, features: int, codes: int) -> keras.Model:
    """Features, float32 [n, features], to logits."""
    x = given = keras.Input((features,), name="features")
    if isinstance(settings, Dense):
        x = layers.BatchNormalization()(x)
        x = layers.Dropout(settings.dropout)(x)
        if settings.units:
            x = layers.Dense(settings.units, activation="relu")(x)
            x = layers.Dropout(settings.dropout)(x)
    return keras.Model({"features": given}, layers.Dense(codes, name="logits")(x), name="head")


def linear_head(kernel: np.ndarray, bias: np.ndarray) -> keras.Model:
    """A head with kernel [features, codes] and bias [codes]."""
    given = keras.Input((kernel.shape[0],), name="features")
    layer = layers.Dense(kernel.shape[1], name="logits")
    model = keras.Model({"features": given}, layer(given), name="head")
    layer.set_weights([kernel, bias])
    return model


def load(settings: Cnn | Frozen, weights: Path, codes: int) -> keras.Model:
    """The trained model, pixels to logits, the frozen network included."""
    if isinstance(settings, Cnn):
        model = cnn(settings, codes)
        model.load_weights(weights)
        return model
    network = backbone(settings)
    trained = head(settings.head, network.output.shape[1], codes)
    trained.load_weights(weights)
    logits = trained({"features": network.output})
    return keras.Model({"pixels": network.inputs[0]}, logits, name=settings.model)
