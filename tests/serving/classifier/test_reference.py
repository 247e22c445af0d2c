"""The reference of drift: distances, and how far chance alone goes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from serving.classifier.reference import (
    LEAST,
    Feature,
    Measure,
    Reference,
    Value,
    principal_axes,
)
from tests.support import tiny

TENTHS = Feature("psi", (100,) * 10, edges=tuple(float(edge) for edge in range(1, 10)))
CODES = Feature(
    "jensen_shannon",
    (*(int(count) for count in 1000 / np.arange(1, 28)), 0),
    categories=(*(str(code) for code in range(27)), "other"),
)


@pytest.mark.parametrize("feature", [TENTHS, CODES], ids=["psi", "jensen_shannon"])
def test_equal_shares_have_no_distance(feature: Feature) -> None:
    assert feature.distance([3 * count for count in feature.counts]) == pytest.approx(0, abs=1e-12)


def test_the_population_stability_index_is_what_its_formula_says() -> None:
    ours, theirs = np.array([5000, 3000, 2000]), np.array([2000, 4000, 4000])
    p, q = theirs / theirs.sum(), ours / ours.sum()
    expected = ((p - q) * np.log(p / q)).sum()
    feature = Feature("psi", tuple(ours.tolist()), edges=(1.0, 2.0))
    assert feature.distance(theirs.tolist()) == pytest.approx(expected, rel=1e-3)


def test_codes_that_have_none_in_common_are_as_far_as_can_be() -> None:
    feature = Feature("jensen_shannon", (50_000, 50_000, 0), categories=("1", "2", "other"))
    assert feature.distance([0, 0, 80_000]) == pytest.approx(math.log(2), rel=1e-3)


def test_an_empty_bin_is_far_and_not_endlessly_so() -> None:
    feature = Feature("psi", (200, 100, 0), edges=(1.0, 2.0))
    assert 1 < feature.distance([0, 0, 100]) < 20


def test_too_few_are_not_compared() -> None:
    few, enough = [LEAST - 1, *[0] * 9], [LEAST, *[0] * 9]
    assert math.isnan(TENTHS.distance(few))
    assert math.isnan(TENTHS.threshold(LEAST - 1, 0.1, 0.001))
    assert TENTHS.distance(enough) > 0
    assert TENTHS.threshold(LEAST, 0.1, 0.001) > 0


@pytest.mark.parametrize("tolerated", [0.0, 0.1])
@pytest.mark.parametrize("values", [LEAST, 300, 10_000])
@pytest.mark.parametrize("probability", [0.01, 0.001 / 15])
def test_the_threshold_is_the_quantile_of_the_non_central_distribution(
    tolerated: float, values: int, probability: float
) -> None:
    size = values * 1000 / (values + 1000)
    expected = stats.ncx2.isf(probability, 9, max(tolerated * size, 1e-12)) / size
    assert 0.99 < TENTHS.threshold(values, tolerated, probability) / expected < 1.05


def test_a_threshold_falls_with_the_products_and_stays_above_what_is_tolerated() -> None:
    found = [TENTHS.threshold(values, 0.1, 0.001) for values in (30, 100, 1000, 10**6)]
    assert found == sorted(found, reverse=True)
    assert found[-1] > 0.1
    large = Feature("psi", (10**6,) * 10, edges=TENTHS.edges)
    assert large.threshold(10**9, 0.1, 0.001) == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize("feature", [TENTHS, CODES], ids=["psi", "jensen_shannon"])
@pytest.mark.parametrize("values", [LEAST, 200, 2000])
def test_chance_is_over_the_threshold_as_seldom_as_asked(feature: Feature, values: int) -> None:
    """Samples of one distribution, with nothing tolerated: at most twice as often as asked, for the
    chi-square distribution is that of many products."""
    random = np.random.default_rng(7)
    shares = np.array(feature.counts) / sum(feature.counts)
    probability, over, samples = 0.02, 0, 3000
    for _ in range(samples):
        ours = random.multinomial(sum(feature.counts), shares)
        of = Feature(feature.measure, tuple(ours.tolist()), feature.edges, feature.categories)
        theirs = random.multinomial(values, shares)
        over += of.distance(theirs.tolist()) > of.threshold(values, 0.0, probability)
    assert over <= 2 * probability * samples


def test_numbers_are_binned_evenly() -> None:
    feature = Feature.of(list(range(1000)), "psi")
    assert feature.counts == (100,) * 10
    assert [feature.bin(value) for value in (-5, 99, 100, 99.9, 10**9)] == [0, 0, 1, 0, 9]
    assert feature.names[0].startswith("up to")
    assert len(feature.names) == 10


def test_few_numbers_have_few_bins() -> None:
    assert len(Feature.of(list(range(48)), "psi").counts) == 4


@pytest.mark.parametrize("values", [[0.0] * 100, [0.0] * 95 + [3.0] * 5])
def test_what_hardly_varies_is_told_from_what_is_above(values: list[Value]) -> None:
    feature = Feature.of(values, "psi")
    assert feature.bin(0.0) == 0
    assert feature.bin(9.0) == len(feature.counts) - 1
    assert feature.distance([0] * (len(feature.counts) - 1) + [50]) > 1


def test_what_was_never_seen_is_another() -> None:
    feature = Feature.of(["a", "b", "a"], "psi")
    assert (feature.categories, feature.counts) == (("a", "b", "other"), (2, 1, 0))
    assert [feature.bin(value) for value in ("a", "b", "z")] == [0, 1, 2]


def test_a_reference_is_read_as_it_was_written(tmp_path: Path) -> None:
    reference = tiny.reference()
    reference.write(tmp_path / "one.json")
    read = Reference.read(tmp_path / "one.json")
    assert read == reference
    read.write(tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_a_feature_that_few_products_have_is_left_out() -> None:
    products: list[dict[str, Value]] = [{"often": 1.0 * number} for number in range(100)]
    for product in products[: LEAST - 1]:
        product["seldom"] = 1.0
    assert list(Reference.of(products, []).features) == ["often"]


def test_axes_are_the_same_whichever_way_they_were_found() -> None:
    random = np.random.default_rng(3)
    logits = random.normal(size=(200, 3)) * (5.0, 2.0, 0.1)
    first, second = principal_axes(logits)
    assert abs(first[0]) > 0.99
    assert abs(second[1]) > 0.99
    assert max(first, key=abs) > 0
    assert principal_axes(logits[::-1]) == [first, second]
    assert principal_axes(logits[: LEAST - 1]) == []


@pytest.mark.parametrize("measure", ["psi", "jensen_shannon"])
def test_distances_do_not_depend_on_the_order_of_bins(measure: Measure) -> None:
    feature = Feature(measure, (5, 60, 35), categories=("a", "b", "other"))
    turned = Feature(measure, (35, 60, 5), categories=("a", "b", "other"))
    assert feature.distance([40, 2, 8]) == pytest.approx(turned.distance([8, 2, 40]))
