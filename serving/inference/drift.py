"""How far the latest products are from those the classifier was prepared for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from functools import partial

from serving.classifier.prediction import Prediction
from serving.classifier.reference import Reference
from serving.metrics import Metrics


class Window:
    """The latest `size` answered products, compared with `reference`.

    A classifier has a window of its own: another one begins with an empty one. Kept are the bins
    of each product and how many there are of each, so a product costs the same however many there
    are, and a distance is computed when it is asked for.
    """

    def __init__(self, reference: Reference, size: int, tolerated: float) -> None:
        self.reference = reference
        self._tolerated = tolerated
        self._lock = threading.Lock()
        self._products: deque[dict[str, int]] = deque()
        self._size = size
        self._counts = {
            name: [0] * len(feature.counts) for name, feature in reference.features.items()
        }

    def __len__(self) -> int:
        return len(self._products)

    def add(self, answers: Sequence[Prediction]) -> None:
        """Take in products, and let the oldest go."""
        features = self.reference.features
        for answer in answers:
            values = self.reference.values(answer)
            product = {name: features[name].bin(value) for name, value in values.items()}
            with self._lock:
                self._products.append(product)
                self._count(product, 1)
                if len(self._products) > self._size:
                    self._count(self._products.popleft(), -1)

    def distance(self, feature: str) -> float:
        """See Feature.distance."""
        return self.reference.features[feature].distance(self._bins(feature))

    def threshold(self, feature: str) -> float:
        """See Reference.threshold."""
        return self.reference.threshold(feature, sum(self._bins(feature)), self._tolerated)

    @property
    def drifted(self) -> list[str]:
        """The features that are further away than chance explains."""
        return [
            name for name in self.reference.features if self.distance(name) > self.threshold(name)
        ]

    def show(self, metrics: Metrics) -> None:
        """Be what `metrics` tell of drift, in the place of any other window."""
        metrics.drift_products.set_function(lambda: len(self))
        metrics.drift_distance.clear()
        metrics.drift_threshold.clear()
        for name in self.reference.features:
            metrics.drift_distance.labels(name).set_function(partial(self.distance, name))
            metrics.drift_threshold.labels(name).set_function(partial(self.threshold, name))

    def _bins(self, feature: str) -> list[int]:
        with self._lock:
            return list(self._counts[feature])

    def _count(self, product: dict[str, int], by: int) -> None:
        for name, number in product.items():
            self._counts[name][number] += by
