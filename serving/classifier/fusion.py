"""From the logits of the branches to calibrated probabilities, and whether to accept an answer.

A product is in one of four states: it has a text, a picture, both, or none. Each state has its own
calibration and its own threshold, because a picture alone is right far less often than a text;
within a state a code may have a threshold of its own, because some are told apart less well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property, reduce
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from serving.listing.labels import Code

State = Literal["none", "text", "image", "both"]
STATES: tuple[State, ...] = ("none", "text", "image", "both")

Branch = Literal["text", "language", "image"]
READS: Mapping[Branch, Literal["text", "image"]] = {
    "text": "text",
    "language": "text",
    "image": "image",
}
"""What of a product each branch answers to: n-grams or an LSTM, and a pretrained encoder, both to
its text."""

BranchLogits = Mapping[Branch, np.ndarray]
"""Logits [n, codes] of each branch that there is; 0 where it has nothing to answer to."""


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

    Of the branches in `weights`, which the state has: logits = sum of weight * z, + bias (`method`
    "stacked"), or p = sum of share * softmax(weight * z) ("weighted"). A weight is the reciprocal
    of a temperature (Guo et al., 2017, "On Calibration of Modern Neural Networks"). Either is then
    calibrated by `ensemble`.
    """

    weights: Mapping[Branch, float]
    bias: tuple[float, ...]
    shares: Mapping[Branch, float] | None = None
    ensemble: Ensemble = Ensemble()

    def probabilities(self, logits: BranchLogits) -> np.ndarray:
        """Probabilities [n, codes]."""
        return self.ensemble.probabilities(self.logits(logits))

    def logits(self, logits: BranchLogits) -> np.ndarray:
        """What `ensemble` calibrates, [n, codes]."""
        if self.shares is None:
            return self._total({b: w * logits[b] for b, w in self.weights.items()}) + self.bias
        mixed = self._total(
            {b: s * softmax(self.weights[b] * logits[b]) for b, s in self.shares.items()}
        )
        return np.log(np.maximum(mixed, 1e-12))

    @staticmethod
    def _total(terms: BranchLogits) -> np.ndarray:
        """Their sum, in the order of READS, whatever the order in which they were stored."""
        return reduce(np.add, [terms[branch] for branch in READS if branch in terms])


@dataclass(frozen=True)
class Fusion:
    """Everything learnt on held-out products: how to combine, and from where on to accept.

    `prior` [codes] answers a product without text and without picture. `thresholds` gives, for
    each state, the least confidence that is accepted when `precision` is asked; a state in which
    no confidence keeps that promise has a threshold above 1. `code_thresholds` gives, for a state
    and a code (as text, as JSON has keys), the one that stands in the place of the state's.
    `level_thresholds` are those of the levels above codes, the most general first.
    """

    method: str
    codes: tuple[Code, ...]
    prior: tuple[float, ...]
    blends: Mapping[State, Blend]
    precision: float
    thresholds: Mapping[State, float]
    code_thresholds: Mapping[State, Mapping[str, float]] = field(default_factory=dict)
    level_thresholds: Mapping[State, tuple[float, ...]] = field(default_factory=dict)

    def probabilities(
        self, logits: BranchLogits, has_text: np.ndarray, has_image: np.ndarray
    ) -> np.ndarray:
        """Calibrated probabilities [n, codes] of products that have what two bool [n] say."""
        answer = np.tile(np.asarray(self.prior), (len(has_text), 1))
        state = states(has_text, has_image)
        for name, blend in self.blends.items():
            rows = state == name
            if rows.any():
                answer[rows] = blend.probabilities({b: z[rows] for b, z in logits.items()})
        return answer

    def accepted(self, confidence: np.ndarray, state: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Bool [n]: whether an answer may stand without a person looking at it.

        `confidence` float [n], `state` str [n]; `column` int [n] is that of the code answered.
        """
        least = np.full(len(confidence), np.inf)
        for name, of_codes in self._least.items():
            rows = state == name
            least[rows] = of_codes[column[rows]]
        return confidence >= least

    def most_frequent(self, most: int) -> frozenset[Code]:
        """The `most` codes that products of training have most often."""
        order = np.argsort(-np.asarray(self.prior), kind="stable")
        return frozenset(self.codes[column] for column in order[:most])

    def least_of_levels(self, state: np.ndarray, levels: int) -> np.ndarray:
        """From which confidence on answers may stand at each level, float [levels, n], in the
        states [n]."""
        least = np.full((levels, len(state)), np.inf)
        for name, thresholds in self.level_thresholds.items():
            least[:, state == name] = np.asarray(thresholds)[:, np.newaxis]
        return least

    @cached_property
    def _least(self) -> Mapping[State, np.ndarray]:
        """What `least_confidence` says of each state."""
        columns = {str(code): column for column, code in enumerate(self.codes)}
        return {
            state: least_confidence(
                threshold,
                {columns[code]: own for code, own in self.code_thresholds.get(state, {}).items()},
                len(columns),
            )
            for state, threshold in self.thresholds.items()
        }

    def write(self, path: Path) -> None:
        """As JSON, byte-identical for equal values."""
        stored = asdict(self)
        for name in ("code_thresholds", "level_thresholds"):
            if not stored[name]:  # the bytes are then those of before there were any
                del stored[name]
        path.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Fusion:
        """The inverse of `write`.

        Raises ValueError: it was written by another version of this code, or is damaged.
        """
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except msgspec.DecodeError as error:
            raise ValueError(
                f"{path} is none of this version ({error}): serve the classifier with the version "
                "that exported it, or export it anew (make repro)"
            ) from error


def least_confidence(threshold: float, own: Mapping[int, float], codes: int) -> np.ndarray:
    """From which confidence on an answer with each code is accepted in one state, float64 [codes]:
    `own` by column, `threshold` for every other code."""
    least = np.full(codes, threshold)
    least[list(own)] = list(own.values())
    return least


def states(has_text: np.ndarray, has_image: np.ndarray) -> np.ndarray:
    """The state of each product, str [n], from two bool [n]."""
    return np.array(STATES)[has_text.astype(int) + 2 * has_image.astype(int)]
