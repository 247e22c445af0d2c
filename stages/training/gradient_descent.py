"""Branches that are trained by gradient descent."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import numpy as np
from dvclive import Live
from dvclive.keras import DVCLiveCallback

from serving.listing.labels import CODES
from stages.common.keras_setup import keras
from stages.common.progress import progress
from stages.common.settings import Train
from stages.training.branch import (
    PREDICT_BATCH,
    Branch,
    DivergedError,
    Examples,
    Inputs,
    class_weights,
)

Loss = Callable[..., keras.KerasTensor]
"""Of labels and logits."""


class GradientDescent(Branch):
    """Fitted by gradient descent, with early stopping where there are examples to stop on."""

    stops = True

    def __init__(self, train: Train, examples: Examples, folds: int) -> None:
        super().__init__(train, examples, folds)
        self.epochs = train.epochs
        self._train = train
        self._weights = class_weights(examples.labels, len(CODES), train.class_weight)

    @abstractmethod
    def recipe(self, steps: int) -> tuple[keras.optimizers.Optimizer, Loss]:
        """Optimiser and loss for training that takes `steps` steps at most."""

    def fit(
        self, rows: np.ndarray, epochs: int, stop: np.ndarray | None, live: Live
    ) -> tuple[keras.Model, int]:
        """See Branch; the best epoch is the one with the least loss on `stop`."""
        keras.utils.set_random_seed(self.seed)
        model = self.build()
        batches = _Batches(self, rows, self._train.batch_size, self._weights, self.seed)
        optimizer, loss = self.recipe(epochs * len(batches))
        model.compile(optimizer, loss, weighted_metrics=["accuracy"])
        bar = progress(title="epochs at most", unit="epochs", total=epochs, leave=False)

        def show(_: int, logs: dict[str, float]) -> None:
            bar.set_postfix(logs, refresh=False)
            bar.update()

        callbacks = [
            keras.callbacks.TerminateOnNaN(),
            keras.callbacks.LambdaCallback(on_epoch_end=show),
        ]
        held_out = None
        if stop is not None:
            held_out = _Batches(self, stop, PREDICT_BATCH, self._weights, self.seed)
            callbacks += [
                keras.callbacks.EarlyStopping(
                    patience=self._train.patience, restore_best_weights=True, verbose=1
                ),
                DVCLiveCallback(live=live),
            ]
        with bar:
            history = model.fit(
                batches, validation_data=held_out, epochs=epochs, callbacks=callbacks, verbose=0
            ).history
        _require_finite_loss(history)
        return model, epochs if stop is None else int(np.argmin(history["val_loss"])) + 1


def plain(learning_rate: float) -> tuple[keras.optimizers.Optimizer, Loss]:
    """Adam at one rate, cross-entropy."""
    return (
        keras.optimizers.Adam(learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )


def annealed(
    steps: int, learning_rate: float, weight_decay: float, label_smoothing: float
) -> tuple[keras.optimizers.Optimizer, Loss]:
    """AdamW (Loshchilov and Hutter, 2019) at a rate that rises, then falls along a cosine.

    Cross-entropy with smoothed labels (Szegedy et al., 2016).
    """

    def loss(labels: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
        chosen = keras.ops.one_hot(keras.ops.reshape(labels, (-1,)), logits.shape[-1])
        return keras.losses.categorical_crossentropy(
            chosen, logits, from_logits=True, label_smoothing=label_smoothing
        )

    rate = keras.optimizers.schedules.CosineDecay(
        learning_rate / 20, steps, warmup_target=learning_rate, warmup_steps=steps // 10
    )
    return keras.optimizers.AdamW(rate, weight_decay=weight_decay), loss


class _Batches(keras.utils.PyDataset):
    """Shuffled batches, made as they are needed: memory does not grow with the epoch."""

    def __init__(
        self, branch: Branch, rows: np.ndarray, size: int, weights: np.ndarray, seed: int
    ) -> None:
        super().__init__()
        self._branch = branch
        self._rows = rows
        self._size = size
        self._weights = weights
        self._random = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self._rows) // self._size)

    def __getitem__(self, index: int) -> tuple[Inputs, np.ndarray, np.ndarray]:
        rows = self._order[index * self._size : (index + 1) * self._size]
        labels = self._branch.examples.labels[rows]
        return self._branch.encode(rows), labels, self._weights[labels]

    def on_epoch_end(self) -> None:
        """Another order for the next epoch."""
        self._order = self._random.permutation(self._rows)


def _require_finite_loss(history: dict[str, list[float]]) -> None:
    for name, values in history.items():
        if name.endswith("loss") and not np.isfinite(values).all():
            raise DivergedError(
                f"{name} is {values[-1]} in epoch {len(values)}: training diverged and no model is "
                "kept; lower the branch's learning_rate or look for broken inputs"
            )
