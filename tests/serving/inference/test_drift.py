"""The window of the latest products: what is in it, how far it is, when it begins anew."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from serving.classifier.prediction import Prediction
from serving.classifier.reference import LEAST, Reference
from serving.inference.drift import Window
from serving.metrics import Metrics
from tests.support import tiny
from tests.support.drift import TOLERATED, answer, window


def sample(metrics: Metrics, name: str, feature: str | None = None) -> float | None:
    labels = {"feature": feature} if feature else {}
    return metrics.registry.get_sample_value(name, labels)


def test_the_same_products_are_no_drift() -> None:
    watched = window()
    for number in range(1000):
        watched.add([answer(number)])
        assert not watched.drifted


def test_only_the_latest_count() -> None:
    watched = window(size=60)
    watched.add([answer(number, length=90) for number in range(500)])
    assert watched.drifted == ["designation_length"]
    watched.add([answer(number) for number in range(60)])
    assert len(watched) == 60
    assert not watched.drifted
    fresh = window(size=60)
    fresh.add([answer(number) for number in range(60)])
    for feature in watched.reference.features:
        assert watched.distance(feature) == fresh.distance(feature)
        assert watched.threshold(feature) == fresh.threshold(feature)


def test_a_shift_is_told_by_the_feature_that_shifted() -> None:
    watched = window()
    watched.add([answer(number, brightness=3.0) for number in range(100)])
    assert watched.drifted == ["picture_brightness"]


def test_too_few_products_raise_nothing_however_strange() -> None:
    watched = window()
    watched.add([answer(number, length=900, brightness=0.0) for number in range(LEAST - 1)])
    assert not watched.drifted
    assert math.isnan(watched.distance("designation_length"))


def test_a_feature_counts_the_products_that_have_it() -> None:
    watched = window()
    watched.add([answer(number) for number in range(100)])
    half = tiny.reference().threshold("picture_brightness", 50, TOLERATED)
    assert watched.threshold("picture_brightness") == half


def test_what_is_tolerated_is_added() -> None:
    strict, lenient = (Window(tiny.reference(), 500, tolerated) for tolerated in (0.0, 5.0))
    for each in (strict, lenient):
        each.add([answer(number, length=5 + number % 5) for number in range(500)])
    assert strict.drifted
    assert not lenient.drifted


def test_metrics_tell_of_the_window_and_forget_the_one_before() -> None:
    metrics, first, second = Metrics(), window(), window()
    first.show(metrics)
    first.add([answer(number, length=90) for number in range(50)])
    assert sample(metrics, "drift_window_products") == 50
    distance = sample(metrics, "drift_distance", "designation_length")
    threshold = sample(metrics, "drift_threshold", "designation_length")
    assert distance is not None
    assert threshold is not None
    assert distance > threshold
    second.show(metrics)
    assert sample(metrics, "drift_window_products") == 0
    assert math.isnan(sample(metrics, "drift_distance", "designation_length") or 0.0)
    Window(Reference.unknown(), 10, TOLERATED).show(metrics)
    assert sample(metrics, "drift_distance", "designation_length") is None
    assert sample(metrics, "drift_threshold", "designation_length") is None


def test_a_classifier_without_a_reference_is_served_and_not_compared() -> None:
    watched = Window(Reference.unknown(), 10, TOLERATED)
    watched.add([answer(number) for number in range(50)])
    assert len(watched) == 10
    assert not watched.drifted


def test_answers_without_traits_are_refused() -> None:
    bare = Prediction(10, "", 0.9, True, "text", np.zeros(3))
    with pytest.raises(ValueError, match="traits"):
        window().add([bare])


def test_counts_are_those_of_the_products_that_are_kept() -> None:
    watched = window(size=37)
    random = np.random.default_rng(5)
    answers = [answer(int(number)) for number in random.integers(0, 1000, 200)]
    watched.add(answers)
    feature = watched.reference.features["code"]
    kept = Counter(feature.bin(str(each.code)) for each in answers[-37:])
    assert watched.distance("code") == feature.distance(
        [kept[number] for number in range(len(feature.counts))]
    )
