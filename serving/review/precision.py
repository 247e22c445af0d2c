"""The precision of what was accepted, measured by reviewers on a sample drawn by chance."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

from serving.listing.labels import Code
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


class Sample(NamedTuple):
    """The sample of what a classifier accepted, as far as reviewers looked at it: the answered code
    of each product that is settled, and whether it is right; and how many are `disputed`."""

    decided: tuple[tuple[Code, bool], ...]
    disputed: int

    @property
    def precision(self) -> Precision:
        """Over all codes."""
        return Precision(sum(right for _, right in self.decided), len(self.decided))


def sample_of(entries: Iterable[Correction], model: str) -> Sample:
    """Of the classifier with the lock hash `model`, from all entries about the products that were
    drawn, oldest first; others may be among them. What reviewers looked for themselves would say
    more of what they looked for than of the classifier, so it does not count."""
    entries = list(entries)
    drawn = {
        entry.product: entry.answered
        for entry in entries
        if entry.reason == "sample" and entry.accepted and entry.model == model
    }
    settled, conflicts = valid(entry for entry in entries if entry.product in drawn)
    decided = tuple((drawn[one.product], one.code == drawn[one.product]) for one in settled)
    return Sample(decided, len(conflicts))
