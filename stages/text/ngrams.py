"""Hashed n-grams under a linear model, solved in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np

from serving.encoding.encoders import Encoder, NgramEncoder, pad
from serving.encoding.ngrams import Grams, grams, inverse_document_frequency
from serving.listing.text import Text
from stages.common.keras_setup import keras
from stages.common.output import StageError
from stages.common.progress import progress
from stages.common.settings import Ngrams, Train
from stages.text.bags import Bags
from stages.text.model import TextBranch, TextModel
from stages.text.ridge import ridge
from stages.training.branch import Examples, Inputs, class_weights
from stages.training.closed_form import ClosedForm

_MOST_STEPS = 127  # that a signed byte can count
_MOST_WEIGHTS = 2**30
"""That a branch may have: the file of a graph ends at two gigabytes."""


class TooManyWeightsError(StageError):
    """The text branch would be too large to be exported."""


def linear(settings: Ngrams, _: Encoder, codes: int) -> keras.Model:
    """The weighted sum of a row of the kernel for each n-gram: a sparse linear model.

    Raises TooManyWeightsError.
    """
    if 2**settings.bits * codes > _MOST_WEIGHTS:
        raise TooManyWeightsError(
            f"text.bits = {settings.bits} with {codes:,} codes makes {2**settings.bits * codes:,} "
            f"weights, a byte each; at most {_MOST_WEIGHTS:,} are possible: set text.bits to "
            f"{(_MOST_WEIGHTS // codes).bit_length() - 1} or less (-S text.bits=…)"
        )
    buckets = keras.Input((None,), dtype="int32", name="buckets")
    values = keras.Input((None,), dtype="float32", name="values")
    rows = _Kernel(2**settings.bits, codes, name="kernel")(buckets)
    summed = keras.layers.Dot(axes=1, name="sum")([values, rows])
    logits = _Link(name="logits")(summed)
    return keras.Model({"buckets": buckets, "values": values}, logits, name="ngrams")


class _Kernel(keras.layers.Layer):
    """A row of weights for each bucket, a byte each, in steps of which the row says the size.

    A quarter of the memory and of the export: this is what makes many buckets affordable.
    """

    def __init__(self, buckets: int, codes: int, **rest: Any) -> None:
        super().__init__(**rest)
        self._shape = (buckets, codes)

    def build(self, _: tuple[int | None, ...]) -> None:
        self.steps = self.add_weight(
            shape=self._shape, dtype="int8", initializer="zeros", trainable=False, name="steps"
        )
        self.size = self.add_weight(
            shape=(self._shape[0], 1), initializer="zeros", trainable=False, name="size"
        )

    def call(self, buckets: keras.KerasTensor) -> keras.KerasTensor:
        steps = keras.ops.take(self.steps, buckets, axis=0)
        return keras.ops.cast(steps, "float32") * keras.ops.take(self.size, buckets, axis=0)


class _Link(keras.layers.Layer):
    """Least-squares scores, one bias a code added, to logits.

    The scores estimate the probability of each code, but leave 0..1 (Hastie et al., 2009, "The
    Elements of Statistical Learning", 4.2). Their logarithm, floored, is right between codes that
    are in question; the linear term tells sure answers apart, where the logarithm is flat. Their
    proportion is the one that made held-out products most likely.
    """

    def build(self, shape: tuple[int | None, int]) -> None:
        self.bias = self.add_weight(shape=(shape[-1],), initializer="zeros", name="bias")

    def call(self, scores: keras.KerasTensor) -> keras.KerasTensor:
        scores = scores + self.bias
        return 2.0 * scores + keras.ops.log(keras.ops.relu(scores) + 0.02)


def set_linear(
    model: keras.Model, buckets: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> None:
    """Give the linear model the rows of its kernel for `buckets`, float32 [k, codes], and its bias,
    float32 [codes]; the rows of all other buckets are 0."""
    layer = model.get_layer("kernel")
    steps, size = map(np.zeros_like, layer.get_weights())
    size[buckets] = np.abs(kernel).max(axis=1, keepdims=True) / _MOST_STEPS
    steps[buckets] = np.rint(kernel / np.where(size[buckets] > 0, size[buckets], 1))
    layer.set_weights([steps, size])
    model.get_layer("logits").set_weights([bias])


class NgramBranch(TextBranch, ClosedForm):
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
        self._weights = class_weights(examples.labels, examples.codes, train.class_weight)

    @classmethod
    def from_texts(
        cls, settings: Ngrams, train: Train, examples: Examples, listings: Sequence[Text]
    ) -> Self:
        """Of examples with these texts."""
        texts = progress(listings, title="n-grams", unit="products")
        return cls(settings, train, examples, [grams(text, settings.bits) for text in texts])

    def restricted_to(self, rows: np.ndarray) -> Self:
        """See Branch."""
        return type(self)(self._settings, self._train, self.examples, self._products, rows)

    @cached_property
    def encoder(self) -> NgramEncoder:
        """With the document frequencies of the examples that may be seen."""
        settings, seen = self._settings, self._grams(self._seen)
        idf = inverse_document_frequency(seen, settings.bits, settings.least)
        return NgramEncoder(idf, settings.shares.model_dump())

    def encode(self, rows: np.ndarray) -> Inputs:
        """See Branch: `buckets` and `values`, as NgramEncoder gives them."""
        return pad(list(map(self.encoder.row, self._grams(rows))))

    def build(self) -> keras.Model:
        """See Branch."""
        return linear(self._settings, self.encoder, self.examples.codes)

    def solve(self, rows: np.ndarray) -> keras.Model:
        """See ClosedForm."""
        settings, labels, codes = self._settings, self.examples.labels[rows], self.examples.codes
        bags = Bags.of(self._grams(rows), self.encoder)
        weights = self._weights[labels]
        kernel, bias = ridge(bags, labels, codes, weights, settings.uncased, settings.penalty)
        model = self.build()
        set_linear(model, bags.columns, kernel, bias)
        return model

    def _grams(self, rows: np.ndarray) -> list[Grams]:
        return [self._products[row] for row in rows.tolist()]


MODEL = TextModel(Ngrams, linear, NgramBranch.from_texts)
