"""The LSTM branch: words as vectors, pieces and shape, read both ways."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from serving.encoding.encoders import WordEncoder
from serving.listing.text import Text
from stages.common.keras_setup import keras
from stages.common.settings import Lstm, Train
from stages.text.models import lstm, set_word_vectors
from stages.text.word_vectors import word_vectors
from stages.training.branch import Examples, Inputs
from stages.training.descent import Descent, Loss, annealed


class LstmBranch(Descent):
    """Reads the first words of both fields; their vectors begin at those of their neighbours."""

    def __init__(
        self, settings: Lstm, train: Train, examples: Examples, listings: Sequence[Text]
    ) -> None:
        super().__init__(train, examples, settings.folds)
        self.epochs = min(train.epochs, settings.epochs)
        self._settings = settings
        self.encoder = WordEncoder.fit(
            listings,
            settings.vocabulary,
            (settings.designation_words, settings.description_words),
            settings.pieces,
            settings.piece_buckets,
        )
        self._inputs = self.encoder.encode(listings)
        self._vectors = word_vectors(
            listings, self.encoder.vocabulary, settings.dimensions, train.seed
        )

    def encode(self, rows: np.ndarray) -> Inputs:
        """See Branch: `words`, `pieces` and `shapes`, as WordEncoder gives them."""
        return {name: values[rows] for name, values in self._inputs.items()}

    def build(self) -> keras.Model:
        """See Branch."""
        model = lstm(self._settings, self.encoder)
        set_word_vectors(model, self._vectors)
        return model

    def recipe(self, steps: int) -> tuple[keras.optimizers.Optimizer, Loss]:
        """See Descent."""
        of = self._settings
        return annealed(steps, of.learning_rate, of.weight_decay, of.label_smoothing)
