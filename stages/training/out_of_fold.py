"""Training a branch: fit with early stopping, answer held-out products, fit again on everything.

What fusion, calibration and acceptance learn from must be answers to products of which the branch
has seen nothing: neither their codes, nor their texts for its vocabulary, nor their loss to stop
on. So a branch that stops early does so on a part of the training products, set aside, which is
never among the held-out ones. With `folds` = 1 these are the validation products. With more, every
other product of train and validation is answered by a branch fitted without its fold, which gives
fusion several times as many examples; the first fold tells after how many epochs the others stop,
and the branch that is kept is fitted on all of them (out-of-fold stacking: Wolpert, 1992, "Stacked
generalization").
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from dvclive import Live

from stages.common.held_out import HeldOut
from stages.common.keras_setup import keras
from stages.common.paths import HELD_OUT, WEIGHTS
from stages.common.progress import progress
from stages.training.branch import Branch
from stages.training.division import divided

B = TypeVar("B", bound=Branch)


@dataclass(frozen=True)
class Trained(Generic[B]):
    """The branch that is kept, and its answers to products it had not seen."""

    branch: B
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


def train_branch(branch: B, live: Live) -> Trained[B]:
    """Fit the branch and answer what it had not seen; curves and progress go to `live` and stdout.

    Raises DivergedError, NothingToLearnError.
    """
    examples = branch.examples
    everything = np.arange(len(examples))
    division = divided(
        examples.labels,
        examples.groups,
        examples.validation,
        count=branch.folds,
        stops=branch.stops,
        seed=branch.seed,
    )
    folds_of, fitted, watched = division.fold, division.fitted, division.watched
    held = [everything[(folds_of == number) & ~division.aside] for number in range(branch.folds)]
    logits = np.zeros((len(examples), examples.codes), np.float32)
    fits = branch.folds + (branch.folds > 1)
    with progress(title="training", unit="models", total=fits) as done:
        kept = first = branch.restricted_to(everything[fitted])
        model, epochs = first.fit(everything[fitted], branch.epochs, everything[watched], live)
        logits[held[0]] = first.logits(model, held[0])
        done.update()
        if branch.folds > 1:
            for number in range(1, branch.folds):
                seen = everything[folds_of != number]
                part = branch.restricted_to(seen)
                model, _ = part.fit(seen, epochs, None, live)
                logits[held[number]] = part.logits(model, held[number])
                done.update()
            kept = branch
            model, _ = branch.fit(everything, epochs, None, live)
            done.update()
    answered = np.sort(np.concatenate(held))
    return Trained(kept, model, HeldOut(examples.rows[answered], logits[answered], examples.rows))
