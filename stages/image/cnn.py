"""The branch of a convolutional network from scratch."""

from __future__ import annotations

import numpy as np

from stages.common.keras_setup import keras
from stages.common.settings import Cnn, Train
from stages.image.kept import Kept
from stages.image.models import cnn
from stages.training.branch import Examples, Inputs
from stages.training.gradient_descent import Descent, Loss, plain


class CnnBranch(Descent):
    """Trained on pixels."""

    def __init__(
        self, settings: Cnn, folds: int, train: Train, examples: Examples, pixels: Kept
    ) -> None:
        super().__init__(train, examples, folds)
        self._settings = settings
        self._pixels = pixels

    def encode(self, rows: np.ndarray) -> Inputs:
        """See Branch: `pixels`, uint8 [k, size, size, 3]."""
        return {"pixels": self._pixels.take(rows)}

    def build(self) -> keras.Model:
        """See Branch."""
        return cnn(self._settings)

    def recipe(self, steps: int) -> tuple[keras.optimizers.Optimizer, Loss]:
        """See Descent."""
        return plain(self._settings.learning_rate)
