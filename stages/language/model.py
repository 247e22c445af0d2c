"""What a language model is, as its module offers it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from serving.listing.text import Text
from stages.common.keras_setup import keras
from stages.common.settings import LanguageSettings, Train
from stages.training.branch import Branch, Examples

S = TypeVar("S", bound=LanguageSettings)


@dataclass(frozen=True)
class LanguageModel(Generic[S]):
    """What the module of a language model offers: the class of its settings, how it is trained on
    examples and their texts with what the stage `embed` kept in a folder (`branch`), and the
    trained model in a folder of weights and that one (`load`): `tokens`, int32 [n, length], to
    logits, float32 [n, codes], of so many codes."""

    settings: type[S]
    branch: Callable[[S, Train, Examples, Sequence[Text], Path], Branch]
    load: Callable[[S, Path, Path, int], keras.Model]
