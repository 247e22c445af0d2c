"""The LSTM: words as vectors, pieces and shape, read both ways."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Self

import numpy as np

from serving.encoding.encoders import SHAPES, WordEncoder
from serving.listing.text import Text
from stages.common.keras_setup import keras
from stages.common.reciprocal_root import reciprocal_root
from stages.common.settings import Lstm, Train
from stages.text.model import TextBranch, TextModel
from stages.text.word_vectors import word_vectors
from stages.training.branch import Examples, Inputs
from stages.training.gradient_descent import GradientDescent, Loss, annealed

layers = keras.layers

_WORD_VECTORS = "word_vectors"
_SHAPE_DIMENSIONS = 16


def lstm(settings: Lstm, encoder: WordEncoder, codes: int) -> keras.Model:
    """What `encoder` gives, through one layer both ways; the most and the mean of each field."""
    designation, places = encoder.lengths[0], sum(encoder.lengths)
    words = keras.Input((places,), dtype="int32", name="words")
    pieces = keras.Input((places, encoder.pieces), dtype="int32", name="pieces")
    shapes = keras.Input((places,), dtype="int32", name="shapes")
    present = keras.ops.cast(keras.ops.not_equal(words, 0), "float32")[..., None]
    known = keras.ops.cast(keras.ops.not_equal(pieces, 0), "float32")[..., None]
    count = keras.ops.maximum(keras.ops.sum(known, axis=2), 1.0)
    spelled = layers.Embedding(encoder.buckets, settings.piece_dimensions)(pieces)
    spelled = keras.ops.sum(spelled * known, axis=2) * reciprocal_root(count)
    vectors = layers.Embedding(
        len(encoder.vocabulary) + 2, settings.dimensions, name=_WORD_VECTORS
    )(words)
    drawn = layers.Embedding(SHAPES, _SHAPE_DIMENSIONS)(shapes)
    x = layers.Concatenate()([vectors, spelled, drawn]) * present
    x = layers.SpatialDropout1D(settings.dropout / 2)(x)
    read = layers.LSTM(settings.units, return_sequences=True, recurrent_initializer=_Orthogonal())
    x = layers.Bidirectional(read)(x)
    pooled = []
    for field in (slice(0, designation), slice(designation, places)):
        states, there = x[:, field], present[:, field]
        pooled.append(keras.ops.max(states * there, axis=1))
        length = keras.ops.maximum(keras.ops.sum(there, axis=1), 1.0)
        pooled.append(keras.ops.sum(states * there, axis=1) / length)
    x = layers.Dropout(settings.dropout)(layers.Concatenate()(pooled))
    inputs = {"words": words, "pieces": pieces, "shapes": shapes}
    return keras.Model(inputs, layers.Dense(codes, name="logits")(x), name="lstm")


@keras.saving.register_keras_serializable("text")
class _Orthogonal(keras.initializers.Orthogonal):
    """Keras's own for a matrix, factorised by NumPy: TensorFlow's factors vary by processor."""

    def __call__(self, shape: tuple[int, int], dtype: str | None = None) -> np.ndarray:
        drawn = keras.random.normal((max(shape), min(shape)), seed=self.seed)
        basis, factor = np.linalg.qr(np.asarray(drawn, np.float64))
        basis *= np.sign(np.diag(factor))
        return self.gain * (basis if shape[0] >= shape[1] else basis.T)


def set_word_vectors(model: keras.Model, vectors: np.ndarray) -> None:
    """Let the LSTM's words begin at `vectors`, float32 [vocabulary + 2, dimensions]."""
    model.get_layer(_WORD_VECTORS).set_weights([vectors])


class LstmBranch(TextBranch, GradientDescent):
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

    def restricted_to(self, rows: np.ndarray) -> Self:
        """See Branch."""
        return type(self)(self._settings, self._train, self.examples, self._listings, rows)

    @cached_property
    def encoder(self) -> WordEncoder:
        """With the vocabulary of the examples that may be seen."""
        settings = self._settings
        return WordEncoder.fit(
            self._read,
            settings.vocabulary,
            (settings.designation_words, settings.description_words),
            settings.pieces,
            settings.piece_buckets,
        )

    @property
    def _read(self) -> list[Text]:
        return [self._listings[row] for row in self._seen.tolist()]

    @cached_property
    def _inputs(self) -> Inputs:
        return self.encoder.encode(self._listings)

    @cached_property
    def _vectors(self) -> np.ndarray:
        dimensions = self._settings.dimensions
        return word_vectors(self._read, self.encoder.vocabulary, dimensions, self.seed)

    def encode(self, rows: np.ndarray) -> Inputs:
        """See Branch: `words`, `pieces` and `shapes`, as WordEncoder gives them."""
        return {name: values[rows] for name, values in self._inputs.items()}

    def build(self) -> keras.Model:
        """See Branch."""
        model = lstm(self._settings, self.encoder, self.examples.codes)
        set_word_vectors(model, self._vectors)
        return model

    def recipe(self, steps: int) -> tuple[keras.optimizers.Optimizer, Loss]:
        """See GradientDescent."""
        rate, settings = self._settings.learning_rate, self._settings
        return annealed(steps, rate, settings.weight_decay, settings.label_smoothing)


MODEL = TextModel(Lstm, lstm, LstmBranch)
