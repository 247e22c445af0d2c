"""What a branch is: one kind of model for texts or for pictures, and what it learns from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from dvclive import Live

from serving.listing.labels import Code
from stages.common.keras_setup import keras
from stages.common.output import StageError
from stages.common.products import columns
from stages.common.settings import Train

Inputs = Mapping[str, np.ndarray]
"""Inputs of a Keras model by name, one row for each product."""

PREDICT_BATCH = 256


class DivergedError(StageError):
    """Training ended in something that is no number; there is no model to keep."""


@dataclass(frozen=True)
class Examples:
    """The products of train and validation that a branch can see, each array [n].

    `rows` are the products' ids, `labels` columns of a probability matrix of so many `codes`,
    `groups` near-duplicate groups, `validation` marks the validation part.
    """

    rows: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    validation: np.ndarray
    codes: int

    @classmethod
    def of(cls, products: pd.DataFrame, codes: Collection[Code]) -> Self:
        """Of products as `read_training` gives them."""
        return cls(
            rows=products["id"].to_numpy(),
            labels=columns(products, codes),
            groups=products["group"].to_numpy(),
            validation=products["validation"].to_numpy(),
            codes=len(codes),
        )

    def __len__(self) -> int:
        return len(self.rows)


class Branch(ABC):
    """One kind of model on the products it can see.

    A kind says how products become inputs (`encode`), what its model is (`build`) and, by being a
    `GradientDescent` or a `ClosedForm`, how that is fitted (`fit`). `epochs` is the most that
    training may take, `folds` the number of parts in which held-out products are answered, drawn
    with `seed`; `stops` says whether examples are needed to stop training on.
    """

    epochs = 1
    stops = False

    def __init__(self, train: Train, examples: Examples, folds: int) -> None:
        self.examples = examples
        self.folds = folds
        self.seed = train.seed

    def restricted_to(self, rows: np.ndarray) -> Self:
        """The branch as it is when only the examples `rows` may be seen.

        A kind that learns from its inputs before it is fitted (a vocabulary, document frequencies)
        learns from these alone; others are the same on all.
        """
        return self

    @abstractmethod
    def encode(self, rows: np.ndarray) -> Inputs:
        """The model's inputs for the examples with these numbers, int [k]."""

    @abstractmethod
    def build(self) -> keras.Model:
        """The untrained model: what `encode` gives to logits, float32 [k, codes]."""

    @abstractmethod
    def fit(
        self, rows: np.ndarray, epochs: int, stop: np.ndarray | None, live: Live
    ) -> tuple[keras.Model, int]:
        """The model fitted on examples `rows`, and the epochs that were best.

        With examples to `stop` on, as early as these advise and with curves in `live`; without,
        for exactly `epochs`. Raises DivergedError.
        """

    def logits(self, model: keras.Model, rows: np.ndarray) -> np.ndarray:
        """The model's answers to the examples `rows`, float32 [k, codes].

        Raises DivergedError: one of them is no number.
        """
        if not len(rows):
            return np.zeros((0, self.examples.codes), np.float32)
        starts = range(0, len(rows), PREDICT_BATCH)
        batches = (self.encode(rows[start : start + PREDICT_BATCH]) for start in starts)
        logits = np.concatenate([np.asarray(model(batch, training=False)) for batch in batches])
        if not np.isfinite(logits).all():
            raise DivergedError("the model answers with what is no number; no model is kept")
        return logits


def class_weights(labels: np.ndarray, codes: int, power: float) -> np.ndarray:
    """Float32 [codes]: inverse frequency to `power`, scaled so that the mean over rows is 1."""
    counts = np.maximum(np.bincount(labels, minlength=codes), 1)
    weights = (counts.mean() / counts) ** power
    return (weights / weights[labels].mean()).astype(np.float32)
