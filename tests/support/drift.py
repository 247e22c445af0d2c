"""Answers as the tiny classifier's reference has them, or others, and a window for them."""

from __future__ import annotations

import numpy as np

from serving.classifier.prediction import Prediction
from serving.classifier.traits import PictureTraits, TextTraits, Traits
from serving.inference.drift import Window
from tests.support import tiny

TOLERATED = 0.1


def answer(
    number: int, *, length: int | None = None, brightness: float | None = None
) -> Prediction:
    """One as tiny.reference() has it, or with another length, another picture."""
    bright = 80.0 + number % 20 if brightness is None else brightness
    picture = PictureTraits(bright, 0.0, 1000, np.zeros(48))
    text = TextTraits(5 + number % 7 if length is None else length, 0, 0.5, "french", 0.0)
    return Prediction(
        code=tiny.CODES[number % 3],
        label="",
        confidence=0.9,
        accepted=True,
        state="both" if number % 2 else "text",
        probabilities=np.zeros(3),
        traits=Traits(text, picture if number % 2 else None),
    )


def window(size: int = 200) -> Window:
    """An empty one, of the tiny classifier."""
    return Window(tiny.reference(), size, TOLERATED)
