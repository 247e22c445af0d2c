"""The n-gram branch: hashed n-grams under a linear model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Self

import numpy as np

from serving.encoding.encoders import NgramEncoder, pad
from serving.encoding.ngrams import Grams, grams, inverse_document_frequency
from serving.listing.labels import CODES
from serving.listing.text import Text
from stages.common.keras_setup import keras
from stages.common.progress import progress
from stages.common.settings import Ngrams, Train
from stages.text.bags import Bags
from stages.text.models import linear, set_linear
from stages.text.ridge import ridge
from stages.training.branch import Examples, Inputs, class_weights
from stages.training.closed_form import Solution


class NgramBranch(Solution):
    """Ridge regression on the codes; each product counts a second time, in small letters.

    `products` are the n-grams of the examples; `seen` numbers those that the document frequencies
    may be learned from, all by default.
    """

    def __init__(
        self,
        settings: Ngrams,
        train: Train,
        examples: Examples,
        products: Sequence[Grams],
        seen: np.ndarray | None = None,
    ) -> None:
        super().__init__(train, examples, settings.folds)
        self._settings = settings
        self._train = train
        self._products = products
        self._seen = np.arange(len(examples)) if seen is None else seen
        self._weights = class_weights(examples.labels, len(CODES), train.class_weight)

    @classmethod
    def reading(
        cls, settings: Ngrams, train: Train, examples: Examples, listings: Sequence[Text]
    ) -> Self:
        """Of examples with these texts."""
        texts = progress(listings, title="n-grams", unit="products")
        return cls(settings, train, examples, [grams(text, settings.bits) for text in texts])

    def on(self, rows: np.ndarray) -> Self:
        """See Branch."""
        return type(self)(self._settings, self._train, self.examples, self._products, rows)

    @cached_property
    def encoder(self) -> NgramEncoder:
        """With the document frequencies of the examples that may be seen."""
        of = self._settings
        idf = inverse_document_frequency(self._of(self._seen), of.bits, of.least)
        return NgramEncoder(idf, of.shares.model_dump())

    def encode(self, rows: np.ndarray) -> Inputs:
        """See Branch: `buckets` and `values`, as NgramEncoder gives them."""
        return pad([self.encoder.row(found) for found in self._of(rows)])

    def build(self) -> keras.Model:
        """See Branch."""
        return linear(self._settings, self.encoder)

    def solve(self, rows: np.ndarray) -> keras.Model:
        """See Solution."""
        of, labels = self._settings, self.examples.labels[rows]
        bags = Bags.of(self._of(rows), self.encoder)
        kernel, bias = ridge(
            bags, labels, len(CODES), self._weights[labels], of.uncased, of.penalty
        )
        model = self.build()
        set_linear(model, bags.columns, kernel, bias)
        return model

    def _of(self, rows: np.ndarray) -> list[Grams]:
        return [self._products[row] for row in rows.tolist()]
