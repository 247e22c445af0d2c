"""A convolutional network from scratch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stages.common.keras_setup import keras
from stages.common.paths import WEIGHTS
from stages.common.reciprocal_root import BatchNormalization
from stages.common.settings import Cnn, Train
from stages.image.model import ImageModel
from stages.training.branch import Examples, Inputs
from stages.training.features import Features
from stages.training.gradient_descent import GradientDescent, Loss, plain

layers = keras.layers


def cnn(settings: Cnn, codes: int) -> keras.Model:
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
    return keras.Model({"pixels": pixels}, layers.Dense(codes, name="logits")(x), name="cnn")


class CnnBranch(GradientDescent):
    """Trained on pixels."""

    def __init__(self, settings: Cnn, train: Train, examples: Examples, pixels: Features) -> None:
        super().__init__(train, examples, settings.folds)
        self._settings = settings
        self._pixels = pixels

    def encode(self, rows: np.ndarray) -> Inputs:
        """See Branch: `pixels`, uint8 [k, size, size, 3]."""
        return {"pixels": self._pixels.take(rows)}

    def build(self) -> keras.Model:
        """See Branch."""
        return cnn(self._settings, self.examples.codes)

    def recipe(self, steps: int) -> tuple[keras.optimizers.Optimizer, Loss]:
        """See GradientDescent."""
        return plain(self._settings.learning_rate)


def load(settings: Cnn, folder: Path, codes: int) -> keras.Model:
    """The trained network in `folder`."""
    model = cnn(settings, codes)
    model.load_weights(folder / WEIGHTS)
    return model


MODEL = ImageModel(Cnn, CnnBranch, load)
