"""Training a branch: fit with early stopping, answer held-out products, fit again on everything.

What fusion, calibration and acceptance learn from must be answers to products the branch was not
trained on. With `folds` = 1 these are the validation products. With more, every product of train
and validation is answered by a model fitted without its fold, which gives fusion several times as
many examples; the epochs are those that early stopping found on the validation products, and the
branch that is kept is fitted on all of them (out-of-fold stacking: Wolpert, 1992, "Stacked
generalization").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from dvclive import Live
from dvclive.keras import DVCLiveCallback

from stages.common.held_out import HeldOut
from stages.common.keras_setup import keras
from stages.common.output import StageError
from stages.common.settings import Train
from stages.preparation.split import folds as fold_numbers

Inputs = Mapping[str, np.ndarray]

_PREDICT_BATCH = 256


class DivergedError(StageError):
    """Training ended in something that is no number; there is no model to keep."""


@dataclass(frozen=True)
class Examples:
    """The products of train and validation that a branch can see.

    `take` gives model inputs for row numbers; `rows` are the products' ids, `labels` columns of
    the probability matrix, `groups` near-duplicate groups, `validation` marks the validation part.
    """

    take: Callable[[np.ndarray], Inputs]
    rows: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    validation: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


class Batches(keras.utils.PyDataset):
    """Shuffled training batches, made as they are needed: memory does not grow with the epoch."""

    def __init__(
        self, examples: Examples, rows: np.ndarray, batch_size: int, weights: np.ndarray, seed: int
    ) -> None:
        super().__init__()
        self._examples = examples
        self._rows = rows
        self._size = batch_size
        self._weights = weights
        self._random = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self._rows) // self._size)

    def __getitem__(self, index: int) -> tuple[Inputs, np.ndarray, np.ndarray]:
        rows = self._order[index * self._size : (index + 1) * self._size]
        labels = self._examples.labels[rows]
        return self._examples.take(rows), labels, self._weights[labels]

    def on_epoch_end(self) -> None:
        """Another order for the next epoch."""
        self._order = self._random.permutation(self._rows)


def class_weights(labels: np.ndarray, codes: int, power: float) -> np.ndarray:
    """Float32 [codes]: inverse frequency to `power`, scaled so that the mean over rows is 1."""
    counts = np.maximum(np.bincount(labels, minlength=codes), 1)
    weights = (counts.mean() / counts) ** power
    return (weights / weights[labels].mean()).astype(np.float32)


Fit = Callable[[np.ndarray, int, np.ndarray | None], tuple[keras.Model, int]]
"""(rows, epochs, rows to stop on or None) -> the fitted model and the epochs that it took."""


Recipe = Callable[[int], tuple[keras.optimizers.Optimizer, Callable[..., keras.KerasTensor]]]
"""(steps that training takes at most) -> the optimiser and the loss of labels and logits."""


def plain(learning_rate: float) -> Recipe:
    """Adam at one rate, cross-entropy."""

    def recipe(steps: int) -> tuple[keras.optimizers.Optimizer, Callable[..., keras.KerasTensor]]:
        return (
            keras.optimizers.Adam(learning_rate),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )

    return recipe


def annealed(learning_rate: float, weight_decay: float, label_smoothing: float) -> Recipe:
    """AdamW (Loshchilov and Hutter, 2019) at a rate that rises, then falls along a cosine.

    Cross-entropy with smoothed labels (Szegedy et al., 2016).
    """

    def loss(labels: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
        chosen = keras.ops.one_hot(keras.ops.reshape(labels, (-1,)), logits.shape[-1])
        return keras.losses.categorical_crossentropy(
            chosen, logits, from_logits=True, label_smoothing=label_smoothing
        )

    def recipe(steps: int) -> tuple[keras.optimizers.Optimizer, Callable[..., keras.KerasTensor]]:
        rate = keras.optimizers.schedules.CosineDecay(
            learning_rate / 20, steps, warmup_target=learning_rate, warmup_steps=steps // 10
        )
        return keras.optimizers.AdamW(rate, weight_decay=weight_decay), loss

    return recipe


def by_descent(
    build: Callable[[], keras.Model],
    examples: Examples,
    weights: np.ndarray,
    train: Train,
    recipe: Recipe,
    live: Live,
) -> Fit:
    """Fitting by gradient descent; with rows to stop on, early and with curves in `live`."""

    def fit(rows: np.ndarray, epochs: int, stop: np.ndarray | None) -> tuple[keras.Model, int]:
        keras.utils.set_random_seed(train.seed)
        model = build()
        batches = Batches(examples, rows, train.batch_size, weights, train.seed)
        optimizer, loss = recipe(epochs * len(batches))
        model.compile(optimizer, loss, weighted_metrics=["accuracy"])
        if stop is None:
            history = model.fit(
                batches, epochs=epochs, callbacks=[keras.callbacks.TerminateOnNaN()], verbose=2
            )
            _require_finite_loss(history)
            return model, epochs
        history = model.fit(
            batches,
            validation_data=Batches(examples, stop, _PREDICT_BATCH, weights, train.seed),
            epochs=epochs,
            callbacks=[
                keras.callbacks.TerminateOnNaN(),
                keras.callbacks.EarlyStopping(
                    patience=train.patience, restore_best_weights=True, verbose=1
                ),
                DVCLiveCallback(live=live),
            ],
            verbose=2,
        )
        _require_finite_loss(history)
        return model, int(np.argmin(history.history["val_loss"])) + 1

    return fit


def _require_finite_loss(history: keras.callbacks.History) -> None:
    for name, values in history.history.items():
        if name.endswith("loss") and not np.isfinite(values).all():
            raise DivergedError(
                f"{name} is {values[-1]} in epoch {len(values)}: training diverged and no model is "
                "kept; lower the branch's learning_rate or look for broken inputs"
            )


def by_solving(solve: Callable[[np.ndarray], keras.Model], examples: Examples, live: Live) -> Fit:
    """Fitting in closed form; with rows to stop on, both accuracies in `live`."""

    def fit(rows: np.ndarray, epochs: int, stop: np.ndarray | None) -> tuple[keras.Model, int]:
        model = solve(rows)
        if stop is not None:
            for name, part in (("train", rows), ("eval", stop)):
                right = logits(model, examples, part).argmax(axis=1) == examples.labels[part]
                live.log_metric(f"{name}/accuracy", float(right.mean()))
            live.next_step()
        return model, epochs

    return fit


def train_branch(
    fit: Fit, examples: Examples, codes: int, train: Train, epochs: int, folds: int
) -> tuple[keras.Model, HeldOut]:
    """The branch that is kept, trained for `epochs` at most, and its answers to products it had
    not seen."""
    everything = np.arange(len(examples))
    validation = everything[examples.validation]
    model, epochs = fit(everything[~examples.validation], epochs, validation)
    if folds == 1:
        return model, HeldOut(examples.rows[validation], logits(model, examples, validation))

    answers = np.zeros((len(examples), codes), np.float32)
    fold = fold_numbers(examples.labels, examples.groups, folds, train.seed)
    for number in range(folds):
        print(f"fold {number + 1} of {folds}", flush=True)
        unseen = everything[fold == number]
        model, _ = fit(everything[fold != number], epochs, None)
        answers[unseen] = logits(model, examples, unseen)
    print("all products", flush=True)
    model, _ = fit(everything, epochs, None)
    return model, HeldOut(examples.rows, answers)


def held_out_accuracy(held_out: HeldOut, examples: Examples) -> str:
    """One line for people."""
    label = dict(zip(examples.rows.tolist(), examples.labels.tolist(), strict=True))
    expected = np.array([label[row] for row in held_out.rows.tolist()])
    right = held_out.logits.argmax(axis=1) == expected
    return f"{right.mean():.3f} accuracy on {len(right)} held-out products"


def logits(model: keras.Model, examples: Examples, rows: np.ndarray) -> np.ndarray:
    """The model's answers, float32 [rows, codes]."""
    answers = [
        np.asarray(model(examples.take(rows[start : start + _PREDICT_BATCH]), training=False))
        for start in range(0, len(rows), _PREDICT_BATCH)
    ]
    found = np.concatenate(answers)
    if not np.isfinite(found).all():
        raise DivergedError("the model answers with what is no number; no model is kept")
    return found
