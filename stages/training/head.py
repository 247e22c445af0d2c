"""Trained heads on the features of a frozen pretrained network."""

from __future__ import annotations

from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from stages.common.keras_setup import keras
from stages.common.reciprocal_root import BatchNormalization
from stages.common.settings import Dense, Discriminant, Train
from stages.training.branch import Branch, Examples, Inputs
from stages.training.closed_form import ClosedForm
from stages.training.discriminant import discriminant
from stages.training.features import Features
from stages.training.gradient_descent import GradientDescent, Loss, plain

layers = keras.layers

Settings = TypeVar("Settings", bound=Dense | Discriminant)


def head(settings: Dense | Discriminant, features: int, codes: int) -> keras.Model:
    """Features, float32 [n, features], to logits, [n, codes]."""
    x = given = keras.Input((features,), name="features")
    if isinstance(settings, Dense):
        x = BatchNormalization()(x)
        x = layers.Dropout(settings.dropout)(x)
        if settings.units:
            x = layers.Dense(settings.units, activation="relu")(x)
            x = layers.Dropout(settings.dropout)(x)
    return keras.Model({"features": given}, layers.Dense(codes, name="logits")(x), name="head")


def head_on(
    network: keras.Model, settings: Dense | Discriminant, codes: int, weights: Path
) -> keras.Model:
    """`network` with the head above it whose weights lie in the file `weights`."""
    trained = head(settings, network.output.shape[1], codes)
    trained.load_weights(weights)
    (given,) = network.inputs
    return keras.Model({given.name: given}, trained({"features": network.output}))


class _Head(Branch, Generic[Settings]):
    """A head on kept features, however it is fitted."""

    def __init__(
        self, settings: Settings, folds: int, train: Train, examples: Examples, features: Features
    ) -> None:
        super().__init__(train, examples, folds)
        self._settings = settings
        self._features = features

    def encode(self, rows: np.ndarray) -> Inputs:
        """See Branch: `features`, float16 [k, features]."""
        return {"features": self._features.take(rows)}

    def build(self) -> keras.Model:
        """See Branch."""
        return head(self._settings, self._features.width, self.examples.codes)


class DenseBranch(_Head[Dense], GradientDescent):
    """A dense head, trained by gradient descent."""

    def recipe(self, steps: int) -> tuple[keras.optimizers.Optimizer, Loss]:
        """See GradientDescent."""
        return plain(self._settings.learning_rate)


class DiscriminantBranch(_Head[Discriminant], ClosedForm):
    """A linear head, solved in closed form."""

    def solve(self, rows: np.ndarray) -> keras.Model:
        """See ClosedForm."""
        kernel, bias = discriminant(
            self._features.take(rows),
            self.examples.labels[rows],
            self.examples.codes,
            self._settings.shrinkage,
        )
        model = self.build()
        model.get_layer("logits").set_weights([kernel, bias])
        return model
