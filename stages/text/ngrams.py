"""The n-gram branch: hashed n-grams under a linear model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Self

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
        self,
        settings: Ngrams,
        train: Train,
        examples: Examples,
        listings: Sequence[Text],
        seen: np.ndarray | None = None,
    ) -> None:
        super().__init__(train, examples, settings.folds)
        self._settings = settings
        self._train = train
        self._listings = listings
        self._seen = np.arange(len(examples)) if seen is None else seen
        self._weights = class_weights(examples.labels, len(CODES), train.class_weight)

    def on(self, rows: np.ndarray) -> Self:
        """See Branch."""
        return type(self)(self._settings, self._train, self.examples, self._listings, rows)

    @cached_property
    def encoder(self) -> NgramEncoder:
        """With the document frequencies of the examples that may be seen."""
        of = self._settings
        listings = [self._listings[row] for row in self._seen.tolist()]
        return NgramEncoder.fit(listings, of.bits, of.least, of.shares.model_dump())

    @cached_property
    def _rows(self) -> list[tuple[np.ndarray, np.ndarray]]:
        return self.encoder.rows(self._listings)

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
        small = self.encoder.rows([self._listings[row].lower() for row in rows.tolist()])
        kernel, bias = ridge(
            [self._rows[row] for row in rows] + small,
            2**self._settings.bits,
            np.tile(labels, 2),
            len(CODES),
            np.concatenate([(1 - uncased) * weights, uncased * weights]),
            self._settings.penalty,
        )
        model = self.build()
        set_linear(model, kernel, bias)
        return model
