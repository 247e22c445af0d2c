"""Branches that are a trained head on the features of a frozen pretrained network."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np

from serving.listing.labels import CODES
from stages.common.keras_setup import keras
from stages.common.settings import Dense, Discriminant, Train
from stages.image.discriminant import discriminant
from stages.image.kept import Kept
from stages.image.models import head, set_linear
from stages.training.branch import Branch, Examples, Inputs
from stages.training.closed_form import Solution
from stages.training.gradient_descent import Descent, Loss, plain

Settings = TypeVar("Settings", bound=Dense | Discriminant)


class _Head(Branch, Generic[Settings]):
    """A head on kept features, however it is fitted."""

    def __init__(
        self, settings: Settings, folds: int, train: Train, examples: Examples, features: Kept
    ) -> None:
        super().__init__(train, examples, folds)
        self._settings = settings
        self._features = features

    def encode(self, rows: np.ndarray) -> Inputs:
        """See Branch: `features`, float16 [k, features]."""
        return {"features": self._features.take(rows)}

    def build(self) -> keras.Model:
        """See Branch."""
        return head(self._settings, self._features.width)


class DenseBranch(_Head[Dense], Descent):
    """A dense head, trained by gradient descent."""

    def recipe(self, steps: int) -> tuple[keras.optimizers.Optimizer, Loss]:
        """See Descent."""
        return plain(self._settings.learning_rate)


class DiscriminantBranch(_Head[Discriminant], Solution):
    """A linear head, solved in closed form."""

    def solve(self, rows: np.ndarray) -> keras.Model:
        """See Solution."""
        kernel, bias = discriminant(
            self._features.take(rows),
            self.examples.labels[rows],
            len(CODES),
            self._settings.shrinkage,
        )
        model = self.build()
        set_linear(model, kernel, bias)
        return model
