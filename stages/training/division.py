"""Which products a branch is fitted on, stops on and answers, and whether there are enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stages.common.folds import folds
from stages.common.output import StageError

STOPPING = 8
"""Parts into which the training products are divided; early stopping is on one of them, about as
large as the validation part."""


class NothingToLearnError(StageError):
    """The catalogue has nothing for this branch."""


@dataclass(frozen=True)
class Division:
    """Of the products that a branch can see: the `fold` that each is held out in, int [n] (folds
    are counted from 0), and as bool [n] those set `aside` to stop on, those that the first fit
    learns from and those it is `watched` on."""

    fold: np.ndarray
    aside: np.ndarray
    fitted: np.ndarray
    watched: np.ndarray


def divided(
    labels: np.ndarray,
    groups: np.ndarray,
    validation: np.ndarray,
    *,
    count: int,
    stops: bool,
    seed: int,
) -> Division:
    """Held out in `count` folds; a branch that `stops` early does so on training products.

    Raises NothingToLearnError.
    """
    aside = np.zeros(len(labels), bool)
    training = np.flatnonzero(~validation)
    if stops and len(training):
        aside[training[folds(labels[training], groups[training], STOPPING, seed) == 0]] = True
    fold = np.where(validation, 0, 1) if count == 1 else folds(labels, groups, count, seed)
    # Those that stop on nothing show their curves on what is held out.
    watched = aside if stops else fold == 0
    fitted = (fold != 0) & ~watched
    if not fitted.any() or not watched.any() or not validation.any():
        raise NothingToLearnError(
            f"of the products this branch can see, {len(training)} are for training and "
            f"{int(validation.sum())} for validation, and it needs both (for training, two that "
            "are no near-duplicates): give it more of them, or switch it off (-S image=none, "
            "-S text=none)"
        )
    return Division(fold, aside, fitted, watched)
