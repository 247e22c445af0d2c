"""Recorded answers against the reference of their classifier, feature by feature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from serving.classifier.record import Record
from serving.classifier.reference import LEAST, Reference, Value


@dataclass(frozen=True)
class Finding:
    """A feature of `products`, its distance from the reference and its threshold; NaN where too few
    products have it."""

    feature: str
    products: int
    distance: float
    threshold: float

    @property
    def compared(self) -> bool:
        """Whether there are enough products."""
        return not math.isnan(self.distance)

    @property
    def drifted(self) -> bool:
        """Whether the distance is more than chance and what is tolerated explain."""
        return self.distance > self.threshold

    @property
    def row(self) -> tuple[str, str, str, str, str]:
        """Feature, products, distance, threshold and verdict in words."""
        if not self.compared:
            return self.feature, str(self.products), "", "", f"fewer than {LEAST} products"
        numbers = f"{self.distance:.3f}", f"{self.threshold:.3f}"
        return self.feature, str(self.products), *numbers, "DRIFT" if self.drifted else "none"


COLUMNS = ("feature", "products", "distance", "threshold", "drift")
"""What the parts of a row are."""


def values(records: Sequence[Record], feature: str) -> list[Value]:
    """What the answers that have a feature have of it."""
    return [record.features[feature] for record in records if feature in record.features]


def findings(records: Sequence[Record], reference: Reference, tolerated: float) -> list[Finding]:
    """Every feature of the reference, the furthest over its threshold first."""
    compared = []
    for name, feature in reference.features.items():
        bins = [feature.bin(value) for value in values(records, name)]
        counts = [bins.count(number) for number in range(len(feature.counts))]
        threshold = reference.threshold(name, len(bins), tolerated)
        compared.append(Finding(name, len(bins), feature.distance(counts), threshold))
    return sorted(
        compared, key=lambda item: -item.distance / item.threshold if item.compared else 1
    )
