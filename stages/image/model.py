"""What an image model is, as its module offers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from stages.common.keras_setup import keras
from stages.common.settings import ImageSettings, Train
from stages.training.branch import Branch, Examples
from stages.training.features import Features

S = TypeVar("S", bound=ImageSettings)


@dataclass(frozen=True)
class ImageModel(Generic[S]):
    """What the module of an image model offers: the class of its settings, how it is trained on
    what the stage `images` kept (`branch`), and the trained model in a folder (`load`): `pixels`,
    uint8 [n, size, size, 3], to logits, float32 [n, codes], of so many codes."""

    settings: type[S]
    branch: Callable[[S, Train, Examples, Features], Branch]
    load: Callable[[S, Path, int], keras.Model]
