"""The LSTM branch: words as vectors, pieces and shape, read both ways."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Self

import numpy as np

from serving.encoding.encoders import WordEncoder
from serving.listing.text import Text
from stages.common.keras_setup import keras
from stages.common.settings import Lstm, Train
from stages.text.models import lstm, set_word_vectors
from stages.text.word_vectors import word_vectors
from stages.training.branch import Examples, Inputs
from stages.training.gradient_descent import Descent, Loss, annealed


class LstmBranch(Descent):
    """Reads the first words of both fields; their vectors begin at those of their neighbours."""

    def __init__(
        self,
        settings: Lstm,
        train: Train,
        examples: Examples,
        listings: Sequence[Text],
        seen: np.ndarray | None = None,
    ) -> None:
        super().__init__(train, examples, settings.folds)
        self.epochs = min(train.epochs, settings.epochs)
        self._settings = settings
        self._listings = listings
        self._seen = np.arange(len(examples)) if seen is None else seen

    def on(self, rows: np.ndarray) -> Self:
        """See Branch."""
        return type(self)(self._settings, self._train, self.examples, self._listings, rows)

    @cached_property
    def encoder(self) -> WordEncoder:
        """With the vocabulary of the examples that may be seen."""
        of = self._settings
        return WordEncoder.fit(
            self._read,
            of.vocabulary,
            (of.designation_words, of.description_words),
            of.pieces,
            of.piece_buckets,
        )

    @property
    def _read(self) -> list[Text]:
        return [self._listings[row] for row in self._seen.tolist()]

    @cached_property
    def _inputs(self) -> Inputs:
        return self.encoder.encode(self._listings)

    @cached_property
    def _vectors(self) -> np.ndarray:
        of = self._settings
        return word_vectors(self._read, self.encoder.vocabulary, of.dimensions, self.seed)

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
