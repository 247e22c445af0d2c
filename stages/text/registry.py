"""The text models: each is a module of this package, which its settings name and which joins here.

Nothing lists them: the module of a class of settings holds a `TextModel` called MODEL.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from serving.encoding.encoders import Encoder, read_encoder
from stages.common.keras_setup import keras
from stages.common.paths import WEIGHTS
from stages.common.settings import TextSettings
from stages.text.model import TextModel


def text_model(settings: TextSettings) -> TextModel[Any, Any]:
    """The model that `settings` name."""
    model: TextModel[Any, Any] = import_module(settings.module).MODEL
    return model


def load(settings: TextSettings, folder: Path, codes: int) -> tuple[Encoder, keras.Model]:
    """The trained branch in `folder`: its encoder, and its model from what that gives to logits."""
    encoder = read_encoder(folder)
    model = text_model(settings).build(settings, encoder, codes)
    model.load_weights(folder / WEIGHTS)
    return encoder, model
