"""The n-gram branch: hashed n-grams under a linear model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from serving.encoding.encoders import NgramEncoder, pad
from serving.listing.labels import CODES
from serving.listing.text import Text
from stages.common.keras_setup import keras
from stages.common.settings import Ngrams, Train
from stages.text.models import linear, set_linear
from stages.text.ridge import ridge
from stages.training.branch import Examples, Inputs, class_weights
from stages.training.solution import Solution


class NgramBranch(Solution):
    """Ridge regression on the codes; each product counts a second time, in small letters."""

    def __init__(
        self, settings: Ngrams, train: Train, examples: Examples, listings: Sequence[Text]
    ) -> None:
        super().__init__(train, examples, settings.folds)
        self._settings = settings
        self.encoder = NgramEncoder.fit(
            listings, settings.bits, settings.least, settings.shares.model_dump()
        )
        self._rows = self.encoder.rows(listings)
        self._uncased = self.encoder.rows([listing.lower() for listing in listings])
        self._weights = class_weights(examples.labels, len(CODES), train.class_weight)

    def encode(self, rows: np.ndarray) -> Inputs:
        """See Branch: `buckets` and `values`, as NgramEncoder gives them."""
        return pad([self._rows[row] for row in rows])

    def build(self) -> keras.Model:
        """See Branch."""
        return linear(self._settings, self.encoder)

    def solve(self, rows: np.ndarray) -> keras.Model:
        """See Solution."""
        labels, uncased = self.examples.labels[rows], self._settings.uncased
        weights = self._weights[labels]
        kernel, bias = ridge(
            [self._rows[row] for row in rows] + [self._uncased[row] for row in rows],
            2**self._settings.bits,
            np.tile(labels, 2),
            len(CODES),
            np.concatenate([(1 - uncased) * weights, uncased * weights]),
            self._settings.penalty,
        )
        model = self.build()
        set_linear(model, kernel, bias)
        return model
