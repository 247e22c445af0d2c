"""Branches that are trained by gradient descent."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping

import numpy as np
from dvclive import Live

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
from stages.training.checkpoint import Checkpoint, Progress

Loss = Callable[..., keras.KerasTensor]
"""Of labels and logits."""


class GradientDescent(Branch):
    """Fitted by gradient descent, with early stopping where there are examples to stop on."""

    stops = True

    def __init__(self, train: Train, examples: Examples, folds: int) -> None:
        super().__init__(train, examples, folds)
        self.epochs = train.epochs
        self._train = train
        self._weights = class_weights(examples.labels, examples.codes, train.class_weight)

    def checkpoint(
        self, model: keras.Model, rows: np.ndarray, epochs: int, stop: np.ndarray | None
    ) -> Checkpoint | None:
        """Where a fit that takes long leaves what an interrupted one goes on with."""
        return None

    @abstractmethod
    def recipe(self, steps: int) -> tuple[keras.optimizers.Optimizer, Loss]:
        """Optimiser and loss for training that takes `steps` steps at most."""

    def finish(self, model: keras.Model) -> None:
        """What is done to the fitted model before it answers."""

    def fit(
        self, rows: np.ndarray, epochs: int, stop: np.ndarray | None, live: Live
    ) -> tuple[keras.Model, int]:
        """See Branch; the best epoch is the one with the least loss on `stop`."""
        keras.utils.set_random_seed(self.seed)
        model = self.build()
        batches = _Batches(self, rows, self._train.batch_size, self._weights, self.seed)
        optimizer, loss = self.recipe(epochs * len(batches))
        model.compile(optimizer, loss, weighted_metrics=["accuracy"])
        held_out = None
        if stop is not None:
            held_out = _Batches(self, stop, PREDICT_BATCH, self._weights, self.seed)
        checkpoint = self.checkpoint(model, rows, epochs, stop)
        done = checkpoint.restore(model) if checkpoint else Progress()
        for curves in done.curves:
            _log(curves, live, stop)
        steps = len(batches)
        bar = progress(title="batches at most", unit="batches", total=epochs * steps, leave=False)
        bar.update(done.epoch * steps)
        shown = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: bar.update())
        with bar:
            while done.epoch < epochs and not done.stopped(self._train.patience):
                batches.shuffle(done.epoch)
                history = model.fit(
                    batches,
                    validation_data=held_out,
                    initial_epoch=done.epoch,
                    epochs=done.epoch + 1,
                    callbacks=[keras.callbacks.TerminateOnNaN(), shown],
                    shuffle=False,  # again, as Keras would by itself
                    verbose=0,
                ).history
                curves = {name: float(value) for name, (value,) in history.items()}
                _require_finite_loss(curves, done.epoch + 1)
                bar.set_postfix(curves, refresh=False)
                _log(curves, live, stop)
                done.add(curves, model)
                if checkpoint:
                    checkpoint.store(model, done)
        if stop is not None:
            model.set_weights(done.best)
        self.finish(model)
        return model, epochs if stop is None else done.best_epoch


def _log(curves: Mapping[str, float], live: Live, stop: np.ndarray | None) -> None:
    """The curves of an epoch, where there are examples to stop on."""
    if stop is not None:
        for name, value in curves.items():
            kind, metric = ("eval", name[4:]) if name.startswith("val_") else ("train", name)
            live.log_metric(f"{kind}/{metric}", value)
        live.next_step()


def plain(learning_rate: float) -> tuple[keras.optimizers.Optimizer, Loss]:
    """Adam at one rate, cross-entropy."""
    return (
        keras.optimizers.Adam(learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )


def annealed(
    steps: int,
    learning_rate: float,
    weight_decay: float,
    label_smoothing: float,
    optimizer: Callable[..., keras.optimizers.Optimizer] = keras.optimizers.AdamW,
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
    return optimizer(rate, weight_decay=weight_decay), loss


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
        self._seed = seed
        self.shuffle(0)

    def __len__(self) -> int:
        return -(-len(self._rows) // self._size)

    def __getitem__(self, index: int) -> tuple[Inputs, np.ndarray, np.ndarray]:
        rows = self._order[index * self._size : (index + 1) * self._size]
        labels = self._branch.examples.labels[rows]
        return self._branch.encode(rows), labels, self._weights[labels]

    def shuffle(self, epoch: int) -> None:
        """The order of an epoch, whatever came before it: a fit can go on with any."""
        self._order = np.random.default_rng([self._seed, epoch]).permutation(self._rows)


def _require_finite_loss(curves: Mapping[str, float], epoch: int) -> None:
    for name, value in curves.items():
        if name.endswith("loss") and not np.isfinite(value):
            raise DivergedError(
                f"{name} is {value} in epoch {epoch}: training diverged and no model is kept; "
                "lower the branch's learning_rate or look for broken inputs"
            )
