"""The language models: each is a module of this package that its settings name, and joins here.

Nothing lists them: the module of a class of settings holds a `LanguageModel` called MODEL.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from stages.common.settings import LanguageSettings
from stages.language.model import LanguageModel


def language_model(settings: LanguageSettings) -> LanguageModel[Any]:
    """The model that `settings` name."""
    model: LanguageModel[Any] = import_module(settings.module).MODEL
    return model
