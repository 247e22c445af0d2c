"""Rates, shares and quantiles between two readings."""

from __future__ import annotations

import math

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from stages.commands.monitor.scrape import Scrape, ScrapeDelta

COUNTS = """
# TYPE requests counter
requests_total{{route="/predict",status="200"}} {0}
requests_total{{route="/predict",status="503"}} {1}
requests_total{{route="/predict/batch",status="200"}} {2}
"""


def histogram(observed: list[float]) -> str:
    """`seconds` of the route /a in Prometheus' text format."""
    registry = CollectorRegistry()
    seconds = Histogram(
        "seconds", "Of a route.", ("route",), buckets=(0.1, 0.2, 0.4), registry=registry
    )
    for value in observed:
        seconds.labels("/a").observe(value)
    return generate_latest(registry).decode()


def between(before: str, after: str, seconds: float = 10) -> ScrapeDelta:
    return ScrapeDelta(Scrape.read(before, 100), Scrape.read(after, 100 + seconds))


def test_counters_are_told_by_what_they_grew() -> None:
    looks = between(COUNTS.format(10, 1, 5), COUNTS.format(40, 11, 5))
    assert looks.increase("requests_total") == 40
    assert looks.rate("requests_total", route="/predict") == 4
    assert looks.increase("requests_total", route="/predict.*", status="2..") == 30
    assert looks.share("requests_total", within={"route": "/predict"}, status="5..") == 0.25
    assert looks.by("requests_total", "route") == {"/predict": 40, "/predict/batch": 0}


def test_a_process_that_began_anew_counts_from_nought() -> None:
    looks = between(COUNTS.format(10, 1, 5), COUNTS.format(3, 2, 0))
    assert looks.by("requests_total", "status") == {"200": 3, "503": 1}


def test_a_series_that_was_not_there_counts_from_nought() -> None:
    looks = between("", COUNTS.format(1, 2, 3))
    assert looks.increase("requests_total") == 6


def test_nothing_has_no_share_no_mean_and_no_quantile() -> None:
    looks = between(COUNTS.format(1, 1, 1), COUNTS.format(1, 1, 1))
    assert math.isnan(looks.share("requests_total", within={}, status="5.."))
    assert math.isnan(looks.mean("seconds"))
    assert math.isnan(looks.quantile(0.5, "seconds"))
    assert math.isnan(looks.after.value("absent"))


@pytest.mark.parametrize(
    ("observed", "share", "expected"),
    [
        ([0.05] * 100, 0.5, 0.05),  # in the middle of the first bucket
        ([0.05] * 50 + [0.15] * 50, 0.75, 0.15),
        ([0.05] * 90 + [0.3] * 10, 0.9, 0.1),  # at its bound
        ([9.0] * 10, 0.99, 0.4),  # beyond the last bound
    ],
)
def test_a_quantile_is_that_of_prometheus(
    observed: list[float], share: float, expected: float
) -> None:
    earlier = histogram([0.3] * 1000)
    looks = between(earlier, histogram([0.3] * 1000 + observed))
    assert looks.quantile(share, "seconds", route="/a") == pytest.approx(expected)
    assert math.isnan(looks.quantile(share, "seconds", route="/b"))
    assert looks.mean("seconds") == pytest.approx(sum(observed) / len(observed))


def test_what_is_no_metric_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid metric name"):
        Scrape.read("<html>nothing</html> here", 0)
