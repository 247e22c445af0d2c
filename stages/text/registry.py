"""The text models: each is a module of this package, which its settings name and which joins here.

Nothing lists them: the module of a class of settings holds a `TextModel` called MODEL.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, TypeVar

from serving.encoding.encoders import Encoder, read_encoder
from serving.listing.text import Text
from stages.common.keras_setup import keras
from stages.common.paths import WEIGHTS
from stages.common.settings import TextSettings, Train
from stages.training.branch import Branch, Examples

S = TypeVar("S", bound=TextSettings)
E = TypeVar("E", bound=Encoder)


class TextBranch(Branch):
    """A branch with an encoder, which is stored beside its weights."""

    @property
    @abstractmethod
    def encoder(self) -> Encoder:
        """From texts to the model's inputs, as learnt from the examples that may be seen."""


@dataclass(frozen=True)
class TextModel(Generic[S, E]):
    """What the module of a text model offers: the class of its settings, its Keras model (`build`:
    untrained, from what the encoder gives to logits), and how that is trained (`branch`)."""

    settings: type[S]
    build: Callable[[S, E], keras.Model]
    branch: Callable[[S, Train, Examples, Sequence[Text]], TextBranch]


def text_model(settings: TextSettings) -> TextModel[Any, Any]:
    """The model that `settings` name."""
    model: TextModel[Any, Any] = import_module(settings.module).MODEL
    return model


def load(settings: TextSettings, folder: Path) -> tuple[Encoder, keras.Model]:
    """The trained branch in `folder`: its encoder, and its model from what that gives to logits."""
    encoder = read_encoder(folder)
    model = text_model(settings).build(settings, encoder)
    model.load_weights(folder / WEIGHTS)
    return encoder, model
