"""A linear head on the features of a frozen pretrained encoder of texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from serving.listing.text import Text
from stages.common.keras_setup import keras
from stages.common.paths import WEIGHTS
from stages.common.settings import FrozenLanguage, Train
from stages.encoders.embeddings import ARRAYS, IDS, network
from stages.encoders.pretrained import Pretrained
from stages.language.model import LanguageModel
from stages.training.branch import Branch, Examples
from stages.training.features import Features
from stages.training.head import DiscriminantBranch, head_on


def branch(
    settings: FrozenLanguage, train: Train, examples: Examples, _: Sequence[Text], kept: Path
) -> Branch:
    """A head on the features in `kept`, read in place."""
    ids = np.load(kept / IDS)
    order = np.argsort(ids, kind="stable")
    places = order[np.searchsorted(ids[order], examples.rows)]
    features = Features(np.load(kept / ARRAYS, mmap_mode="r"), places)
    return DiscriminantBranch(settings.head, settings.folds, train, examples, features)


def load(settings: FrozenLanguage, folder: Path, kept: Path, codes: int) -> keras.Model:
    """The encoder in `kept` with the trained head in `folder`."""
    return head_on(network(Pretrained.read(kept)), settings.head, codes, folder / WEIGHTS)


MODEL = LanguageModel(FrozenLanguage, branch, load)
