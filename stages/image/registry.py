"""The image models: each is a module of this package, which its settings name and which joins here.

Nothing lists them: the module of a class of settings holds an `ImageModel` called MODEL.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from stages.common.settings import ImageSettings
from stages.image.model import ImageModel


def image_model(settings: ImageSettings) -> ImageModel[Any]:
    """The model that `settings` name."""
    model: ImageModel[Any] = import_module(settings.module).MODEL
    return model
