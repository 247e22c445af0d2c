"""What an interrupted fit goes on with: the state after its last epoch, and that of no other fit.

A fit that goes on gives the bits of one that was never interrupted, so a checkpoint belongs to one
fit: its name is a digest of all that decides them, code included.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from stages.common.keras_setup import keras

_CODE = ("encoders", "language", "training")
"""Packages whose code decides what a fit gives."""


@dataclass
class Progress:
    """The curves of each epoch so far, and the weights after the best of them, those with the
    least loss on the examples that training stops on."""

    curves: list[dict[str, float]] = field(default_factory=list)
    best: list[np.ndarray] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.curves)

    @property
    def best_epoch(self) -> int:
        """Counted from 1; the first among equals."""
        return int(np.argmin([curves["val_loss"] for curves in self.curves])) + 1

    def stopped(self, patience: int) -> bool:
        """Whether `patience` epochs brought nothing better."""
        watched = bool(self.curves) and "val_loss" in self.curves[0]
        return watched and self.epoch - self.best_epoch >= patience

    def add(self, curves: Mapping[str, float], model: keras.Model) -> None:
        """An epoch more."""
        self.curves.append(dict(curves))
        if "val_loss" in curves and self.best_epoch == self.epoch:
            self.best = model.get_weights()


@dataclass(frozen=True)
class Checkpoint:
    """A file that holds variables of model and optimiser, and Progress."""

    path: Path

    @classmethod
    def of(cls, folder: Path, *decides: Any) -> Self:
        """That of the fit which these decide: arrays, and what `repr` tells apart."""
        digest = hashlib.sha256()
        for package in _CODE:
            for module in sorted((Path(__file__).parents[1] / package).glob("*.py")):
                digest.update(module.read_bytes())
        for part in decides:
            digest.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
        return cls(folder / f"{digest.hexdigest()}.npz")

    def restore(self, model: keras.Model) -> Progress:
        """Bring the compiled `model` to where it was; at the beginning, if nothing is kept."""
        model.optimizer.build(model.trainable_variables)
        if not self.path.exists():
            return Progress()
        with np.load(self.path, allow_pickle=False) as stored:
            for number, variable in enumerate(_variables(model)):
                variable.assign(stored[f"variable_{number}"])
            curves = json.loads(str(stored["curves"]))
            best = [stored[f"best_{number}"] for number in range(int(stored["best"]))]
        return Progress(curves, best)

    def store(self, model: keras.Model, progress: Progress) -> None:
        """As a whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        parts: dict[str, Any] = {
            f"variable_{n}": np.asarray(v) for n, v in enumerate(_variables(model))
        }
        parts |= {f"best_{n}": values for n, values in enumerate(progress.best)}
        partial = self.path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(
                file, curves=np.array(json.dumps(progress.curves)), best=len(progress.best), **parts
            )
        partial.replace(self.path)


def _variables(model: keras.Model) -> list[Any]:
    return [
        *model.trainable_variables,
        *model.non_trainable_variables,
        *model.optimizer.variables,
    ]
