"""Training a branch: fit with early stopping, answer held-out products, fit again on everything.

What fusion, calibration and acceptance learn from must be answers to products the branch was not
trained on. With `folds` = 1 these are the validation products. With more, every product of train
and validation is answered by a model fitted without its fold, which gives fusion several times as
many examples; the epochs are those that early stopping found on the validation products, and the
branch that is kept is fitted on all of them (out-of-fold stacking: Wolpert, 1992, "Stacked
generalization").
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from dvclive import Live

from serving.listing.labels import CODES
from stages.common.folds import folds
from stages.common.held_out import HeldOut
from stages.common.keras_setup import keras
from stages.common.output import StageError
from stages.common.paths import HELD_OUT, WEIGHTS
from stages.training.branch import Branch


class NothingToLearnError(StageError):
    """The catalogue has nothing for this branch."""


@dataclass(frozen=True)
class Trained:
    """The branch that is kept, and its answers to products it had not seen."""

    branch: Branch
    model: keras.Model
    held_out: HeldOut

    def write(self, folder: Path) -> None:
        """Store weights and held-out answers in `folder`."""
        self.model.save_weights(folder / WEIGHTS)
        self.held_out.write(folder / HELD_OUT)

    @property
    def accuracy(self) -> str:
        """One line for people."""
        examples = self.branch.examples
        label = dict(zip(examples.rows.tolist(), examples.labels.tolist(), strict=True))
        expected = np.array([label[row] for row in self.held_out.rows.tolist()])
        right = self.held_out.logits.argmax(axis=1) == expected
        return f"{right.mean():.3f} accuracy on {len(right)} held-out products"


def train_branch(branch: Branch, live: Live) -> Trained:
    """Fit the branch and answer what it had not seen; curves and progress go to `live` and stdout.

    Raises DivergedError, NothingToLearnError.
    """
    examples = branch.examples
    training, stopping = int((~examples.validation).sum()), int(examples.validation.sum())
    if not training or not stopping:
        raise NothingToLearnError(
            f"of the products this branch can see, {training} are for training and {stopping} for "
            "validation, and it needs both: give it more of them, or switch it off "
            "(-S image=none, -S text=none)"
        )
    everything = np.arange(len(examples))
    validation = everything[examples.validation]
    model, epochs = branch.fit(everything[~examples.validation], branch.epochs, validation, live)
    if branch.folds == 1:
        answers = branch.logits(model, validation)
        held_out = HeldOut(examples.rows[validation], answers, examples.rows)
        return Trained(branch, model, held_out)

    fold = folds(examples.labels, examples.groups, branch.folds, branch.seed)
    answers = np.zeros((len(examples), len(CODES)), np.float32)
    for number in np.unique(fold):
        print(f"fold {number + 1} of {branch.folds}", flush=True)
        unseen = everything[fold == number]
        model, _ = branch.fit(everything[fold != number], epochs, None, live)
        answers[unseen] = branch.logits(model, unseen)
    print("all products", flush=True)
    model, _ = branch.fit(everything, epochs, None, live)
    return Trained(branch, model, HeldOut(examples.rows, answers, examples.rows))
