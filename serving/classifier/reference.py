"""What held-out products looked like, and how far others may differ from them by chance alone.

Figures are compared in bins by the population stability index,
PSI = sum((p - q) * ln(p / q)), codes by the Jensen-Shannon divergence (Lin, 1991), in nats. For
small differences 8 * JS is PSI. Two samples of n and m values of one distribution in k bins have
PSI * n * m / (n + m) distributed as chi-square with k - 1 degrees of freedom (Yurdakul, 2018,
"Statistical Properties of Population Stability Index"). Where the distributions themselves differ
by `tolerated`, it is the non-central one (Potgieter et al., 2025, "The Population Resemblance
Statistic", from which the idea of a tolerance is taken). A threshold is a quantile of that: high
for few values, near `tolerated` for many.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist
from typing import Literal, Self

import msgspec
import numpy as np

from serving.classifier.prediction import Prediction
from serving.classifier.traits import Traits

Value = float | str
Measure = Literal["psi", "jensen_shannon"]

LEAST = 30
"""Values from which on a feature is compared, of held-out products and of others."""

FALSE_ALARMS = 0.001
"""Probability that any feature at all is over its threshold, where nothing differs by more than
is tolerated; each has an equal part of it (Bonferroni)."""

AXES = 2
"""Principal axes of the layouts of pictures that these are projected on."""

CODE, EVIDENCE, CONFIDENCE = "code", "evidence", "confidence"
"""Features of an answer: the code, what it rests on, and, by what it rests on, the confidence."""

_BINS = 10
_IN_A_BIN = 10
_OTHER = "other"
_PSI_OF_JENSEN_SHANNON = 8.0


@dataclass(frozen=True)
class Feature:
    """One feature of held-out products: how many were in each bin.

    Numbers are binned by `edges`, the upper ends of all bins but the last; words by `categories`,
    of which the last takes what none of the others is.
    """

    measure: Measure
    counts: tuple[int, ...]
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Sequence[Value], measure: Measure) -> Self:
        """Of the values of held-out products: numbers in bins of about equally many, at most ten
        and at least ten products each, or words."""
        edges: tuple[float, ...] = ()
        categories: tuple[str, ...] = ()
        numbers = [value for value in values if not isinstance(value, str)]
        if numbers:
            bins = max(2, min(_BINS, len(numbers) // _IN_A_BIN))
            ends = np.quantile(numbers, np.arange(1, bins) / bins)
            edges = tuple(sorted({float(f"{end:.4g}") for end in ends.tolist()}))
        else:
            categories = (*sorted({str(value) for value in values}), _OTHER)
        empty = cls(measure, (0,) * (len(edges or categories) + bool(edges)), edges, categories)
        counts = np.bincount([empty.bin(value) for value in values], minlength=len(empty.counts))
        return cls(measure, tuple(counts.tolist()), edges, categories)

    def bin(self, value: Value) -> int:
        """The bin of a value."""
        if not isinstance(value, str):
            return bisect_left(self.edges, value)
        try:
            return self.categories.index(value)
        except ValueError:
            return len(self.categories) - 1

    @property
    def names(self) -> tuple[str, ...]:
        """What the bins hold, in words."""
        if self.categories:
            return self.categories
        ends = [f"{edge:g}" for edge in self.edges]
        between = [f"{low} to {high}" for low, high in pairwise(ends)]
        return f"up to {ends[0]}", *between, f"over {ends[-1]}"

    def distance(self, counts: Sequence[int]) -> float:
        """How far other products, so many in each bin, are from these; NaN with fewer than LEAST.

        Each side takes as many values as half the bins from both sides taken together: the PSI
        knows no empty bin, and sparse ones make either larger than chi-square has it.
        """
        ours, theirs = np.array(self.counts, float), np.array(counts, float)
        if theirs.sum() < LEAST:
            return math.nan
        both = (ours + theirs) / (ours.sum() + theirs.sum())
        seen = both > 0
        some = seen.sum() / 2
        p, q = ((side[seen] + some * both[seen]) / (side.sum() + some) for side in (theirs, ours))
        if self.measure == "psi":
            return float(((p - q) * np.log(p / q)).sum())
        middle = (p + q) / 2
        return float((p * np.log(p / middle) + q * np.log(q / middle)).sum() / 2)

    def threshold(self, values: int, tolerated: float, probability: float) -> float:
        """The distance that `values` of a distribution at a PSI of `tolerated` from these exceed
        with `probability` only; NaN with fewer than LEAST.

        The quantile of the non-central chi-square distribution is that of Patnaik (1949) with
        Wilson and Hilferty's (1931) of the central one.
        """
        if values < LEAST:
            return math.nan
        size = values * sum(self.counts) / (values + sum(self.counts))
        freedom = max(sum(count > 0 for count in self.counts) - 1, 1)
        shift = tolerated * size
        scale = (freedom + 2 * shift) / (freedom + shift)
        central = (freedom + shift) / scale
        normal = NormalDist().inv_cdf(1 - probability)
        spread = 2 / (9 * central)
        psi = scale * central * (1 - spread + normal * math.sqrt(spread)) ** 3 / size
        return psi / _PSI_OF_JENSEN_SHANNON if self.measure == "jensen_shannon" else psi


@dataclass(frozen=True)
class Reference:
    """Every feature of held-out products, and the axes of their pictures, [AXES][values]."""

    products: int
    features: Mapping[str, Feature]
    axes: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def of(cls, products: Sequence[Mapping[str, Value]], axes: Sequence[Sequence[float]]) -> Self:
        """Of the values of held-out products; a feature that fewer than LEAST have is left out."""
        names = sorted({name for product in products for name in product})
        columns = {
            name: [product[name] for product in products if name in product] for name in names
        }
        features = {
            name: Feature.of(column, "jensen_shannon" if name == CODE else "psi")
            for name, column in columns.items()
            if len(column) >= LEAST
        }
        return cls(len(products), features, tuple(map(tuple, axes)))

    @classmethod
    def unknown(cls) -> Self:
        """That of a classifier which holds none: nothing is compared."""
        return cls(0, {})

    def values(self, answer: Prediction) -> dict[str, Value]:
        """What an answered product has of the features, by name."""
        if answer.traits is None:
            raise ValueError("the traits of this answer were not taken; ask Classifier.predict")
        features = {
            CODE: str(answer.code),
            EVIDENCE: answer.state,
            f"{CONFIDENCE}_{answer.state}": answer.confidence,
            **values(answer.traits, self.axes),
        }
        return {name: value for name, value in features.items() if name in self.features}

    def threshold(self, feature: str, values: int, tolerated: float) -> float:
        """As Feature.threshold, of one feature among all of these."""
        probability = FALSE_ALARMS / len(self.features)
        return self.features[feature].threshold(values, tolerated, probability)

    def write(self, path: Path) -> None:
        """As JSON, byte-identical for equal values."""
        path.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """The inverse of `write`."""
        return msgspec.json.decode(path.read_bytes(), type=cls)


def values(traits: Traits, axes: Sequence[Sequence[float]]) -> dict[str, Value]:
    """The features that lie in a product itself: those of its text, those of its picture."""
    features: dict[str, Value] = {}
    if (text := traits.text) is not None:
        features |= {
            "designation_length": text.designation_length,
            "description_length": text.description_length,
            "language": text.language,
            "diacritics": text.diacritics,
        }
        if text.rarity is not None:
            features["rarity"] = text.rarity
    if (picture := traits.picture) is not None:
        features |= {"picture_brightness": picture.brightness, "picture_contrast": picture.contrast}
        if picture.size is not None:
            features["picture_bytes"] = picture.size
        for number, axis in enumerate(axes, start=1):
            features[f"picture_axis_{number}"] = float(picture.layout @ np.array(axis))
    return features


def principal_axes(layouts: np.ndarray) -> list[list[float]]:
    """The AXES directions in which layouts, float64 [n, values], differ most, to thousandths.

    Not logits or features of a trained network: those that answer held-out products were fitted on
    less than the one that is exported, and answer alike but not equally far apart. None with fewer
    than LEAST products. An axis points to where its largest part is.
    """
    if len(layouts) < LEAST:
        return []
    _, vectors = np.linalg.eigh(np.cov(layouts, rowvar=False))
    axes = vectors[:, ::-1][:, :AXES].T
    largest = axes[np.arange(AXES), np.abs(axes).argmax(axis=1)]
    return np.round(axes * np.sign(largest)[:, np.newaxis], 3).tolist()
