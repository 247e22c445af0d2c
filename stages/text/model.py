"""What a text model is, as its module offers it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from serving.encoding.encoders import Encoder
from serving.listing.text import Text
from stages.common.keras_setup import keras
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
    untrained, from what the encoder gives to logits of so many codes), and how that is trained
    (`branch`)."""

    settings: type[S]
    build: Callable[[S, E, int], keras.Model]
    branch: Callable[[S, Train, Examples, Sequence[Text]], TextBranch]
