"""A trained head on the features of a frozen pretrained network of pictures."""

from __future__ import annotations

from pathlib import Path

from stages.common.keras_setup import keras
from stages.common.paths import WEIGHTS
from stages.common.settings import Dense, Frozen, Train
from stages.image.model import ImageModel
from stages.pictures.backbones import backbone
from stages.training.branch import Branch, Examples
from stages.training.features import Features
from stages.training.head import DenseBranch, DiscriminantBranch, head_on


def branch(settings: Frozen, train: Train, examples: Examples, features: Features) -> Branch:
    """The branch of the head that is configured."""
    if isinstance(settings.head, Dense):
        return DenseBranch(settings.head, settings.folds, train, examples, features)
    return DiscriminantBranch(settings.head, settings.folds, train, examples, features)


def load(settings: Frozen, folder: Path, codes: int) -> keras.Model:
    """The network with the trained head in `folder`: pixels to logits."""
    return head_on(backbone(settings), settings.head, codes, folder / WEIGHTS)


MODEL = ImageModel(Frozen, branch, load)
