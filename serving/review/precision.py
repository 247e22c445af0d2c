"""The precision of what was accepted, measured by reviewers on a sample drawn by chance."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

from serving.review.corrections import Correction
from serving.review.settling import valid

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True)
class Precision:
    """Accepted answers that reviewers found `right`, of the `products` of the sample."""

    right: int
    products: int

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share, at 95 % (Wilson, 1927); from 0 to 1 without any product."""
        n = self.products
        if not n:
            return 0.0, 1.0
        share, spread = self.right / n, _Z**2 / n
        middle = (share + spread / 2) / (1 + spread)
        half = _Z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
        return middle - half, middle + half


def measured(sample: Iterable[Correction]) -> Precision:
    """Of what `Corrections.sample` gives. What reviewers looked for themselves would say more of
    what they looked for than of the classifier, so it does not count."""
    settled, _ = valid(sample)
    right = [one.code == one.entry.answered for one in settled]
    return Precision(sum(right), len(right))
