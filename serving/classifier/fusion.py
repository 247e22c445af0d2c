"""From the logits of two branches to calibrated probabilities, and whether to accept an answer.

A product is in one of four states: it has a text, a picture, both, or none. Each state has its own
calibration and its own threshold, because a picture alone is right far less often than a text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

State = Literal["none", "text", "image", "both"]
STATES: tuple[State, ...] = ("none", "text", "image", "both")


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, computed without overflow."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Ensemble:
    """p = scaled * softmax(power * z) + plain * softmax(z) + rest / codes, of logits z [n, codes].

    Sharp where the branches are sure and doubtful where they are not, which one temperature cannot
    be; the order of the codes stays (Zhang et al., 2020, "Mix-n-Match: Ensemble and Compositional
    Methods for Uncertainty Calibration in Deep Learning").
    """

    power: float = 1.0
    scaled: float = 1.0
    plain: float = 0.0

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities [n, codes]."""
        scaled, plain = softmax(self.power * logits), softmax(logits)
        return self.mixed(scaled, plain, logits.shape[1])

    def mixed(self, scaled: np.ndarray, plain: np.ndarray, codes: int) -> np.ndarray:
        """The sum, of softmax(power * z) and softmax(z), or of some of their elements."""
        rest = 1 - self.scaled - self.plain
        return self.scaled * scaled + self.plain * plain + rest / codes


@dataclass(frozen=True)
class Blend:
    """How one state turns logits into probabilities.

    logits = text_weight * z_text + image_weight * z_image + bias (`method` "stacked"), or
    p = share * softmax(text_weight * z_text) + (1 - share) * softmax(image_weight * z_image)
    ("weighted"). A weight is the reciprocal of a temperature (Guo et al., 2017, "On Calibration of
    Modern Neural Networks"). Either is then calibrated by `ensemble`.
    """

    text_weight: float
    image_weight: float
    bias: tuple[float, ...]
    share: float | None = None
    ensemble: Ensemble = Ensemble()

    def probabilities(self, text: np.ndarray, image: np.ndarray) -> np.ndarray:
        """Probabilities [n, codes] from the logits [n, codes] of both branches (0 where absent)."""
        return self.ensemble.probabilities(self.logits(text, image))

    def logits(self, text: np.ndarray, image: np.ndarray) -> np.ndarray:
        """What `ensemble` calibrates, [n, codes]."""
        if self.share is None:
            return self.text_weight * text + self.image_weight * image + self.bias
        mixed = self.share * softmax(self.text_weight * text)
        mixed += (1 - self.share) * softmax(self.image_weight * image)
        return np.log(np.maximum(mixed, 1e-12))


@dataclass(frozen=True)
class Fusion:
    """Everything learnt on held-out products: how to combine, and from where on to accept.

    `prior` [codes] answers a product without text and without picture. `thresholds` gives, for
    each state, the least confidence that is accepted when `precision` is asked; a state in which
    no confidence keeps that promise has a threshold above 1.
    """

    method: str
    codes: tuple[int, ...]
    prior: tuple[float, ...]
    blends: Mapping[State, Blend]
    precision: float
    thresholds: Mapping[State, float]

    def probabilities(
        self, text: np.ndarray, image: np.ndarray, has_text: np.ndarray, has_image: np.ndarray
    ) -> np.ndarray:
        """Calibrated probabilities [n, codes]; the logits of an absent branch are ignored."""
        answer = np.tile(np.asarray(self.prior), (len(has_text), 1))
        for state, blend in self.blends.items():
            rows = states(has_text, has_image) == state
            if rows.any():
                answer[rows] = blend.probabilities(
                    text[rows] if state != "image" else np.zeros_like(image[rows]),
                    image[rows] if state != "text" else np.zeros_like(text[rows]),
                )
        return answer

    def accepted(self, confidence: np.ndarray, state: np.ndarray) -> np.ndarray:
        """Bool [n]: whether an answer may stand without a person looking at it."""
        least = np.array([self.thresholds.get(name, np.inf) for name in state])
        return confidence >= least

    def write(self, path: Path) -> None:
        """As JSON, byte-identical for equal values."""
        path.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Fusion:
        """The inverse of `write`."""
        return msgspec.json.decode(path.read_bytes(), type=cls)


def states(has_text: np.ndarray, has_image: np.ndarray) -> np.ndarray:
    """The state of each product, str [n], from two bool [n]."""
    return np.array(STATES)[has_text.astype(int) + 2 * has_image.astype(int)]
