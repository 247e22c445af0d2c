"""Rates, shares and quantiles of the time between two readings of /metrics."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]

PROMISED = "/(predict|explain|model|token|verify).*"
"""Routes whose failures count against the objective (conf/prometheus/rules/slo.yml)."""

PRODUCT = "/predict(_code)?"
"""Routes whose time counts against the objective."""


@dataclass(frozen=True)
class Scrape:
    """The samples of /metrics, and when it was read, in seconds of any clock."""

    seconds: float
    samples: Mapping[tuple[str, Labels], float]

    @classmethod
    def read(cls, text: str, seconds: float) -> Scrape:
        """Parse Prometheus' text format. Raises ValueError where it is none."""
        return cls(
            seconds,
            {
                (sample.name, frozenset(sample.labels.items())): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            },
        )

    def series(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        """Labels and value of each sample of the name."""
        for (other, labels), value in self.samples.items():
            if other == name:
                yield dict(labels), value

    def value(self, name: str) -> float:
        """The one sample of the name; NaN where there is none."""
        return next((value for _, value in self.series(name)), math.nan)


class ScrapeDelta:
    """The time between two readings of one process."""

    def __init__(self, before: Scrape, after: Scrape) -> None:
        self.before, self.after = before, after
        self.seconds = after.seconds - before.seconds

    def increases(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        """By how much each counter of the name grew; one that fell began anew, from 0."""
        for (other, labels), value in self.after.samples.items():
            if other == name:
                since = self.before.samples.get((other, labels), 0.0)
                yield dict(labels), value - since if value >= since else value

    def increase(self, name: str, **wanted: str) -> float:
        """By how much all counters of the name grew whose labels are as wanted (patterns)."""
        return sum(grown for labels, grown in self.increases(name) if _match(labels, wanted))

    def rate(self, name: str, **wanted: str) -> float:
        """The same in a second."""
        return self.increase(name, **wanted) / self.seconds

    def share(self, name: str, *, within: Mapping[str, str], **wanted: str) -> float:
        """The part of an increase `within` some labels that has the wanted as well; NaN of none."""
        whole = self.increase(name, **within)
        return self.increase(name, **within, **wanted) / whole if whole else math.nan

    def by(self, name: str, label: str) -> dict[str, float]:
        """The increase by a label's values."""
        increases: dict[str, float] = defaultdict(float)
        for labels, grown in self.increases(name):
            increases[labels[label]] += grown
        return dict(increases)

    def mean(self, name: str) -> float:
        """Mean of what a histogram observed; NaN of nothing."""
        count = self.increase(f"{name}_count")
        return self.increase(f"{name}_sum") / count if count else math.nan

    def quantile(self, share: float, name: str, **wanted: str) -> float:
        """The value that `share` of a histogram's observations stay under; NaN of nothing.

        Linear within a bucket, and the last bound where it lies beyond, as Prometheus'
        histogram_quantile has it.
        """
        buckets: dict[float, float] = defaultdict(float)
        for labels, grown in self.increases(f"{name}_bucket"):
            if _match(labels, wanted):
                buckets[float(labels["le"])] += grown
        if not buckets or not (rank := share * buckets[math.inf]):
            return math.nan
        lower, below = 0.0, 0.0
        for bound, count in sorted(buckets.items()):
            if count >= rank:
                within = (rank - below) / (count - below)
                return lower if math.isinf(bound) else lower + (bound - lower) * within
            lower, below = bound, count
        raise AssertionError("the last bucket holds all")


def _match(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(re.fullmatch(pattern, labels[label]) for label, pattern in wanted.items())
