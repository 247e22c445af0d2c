"""The order of review: codes take turns, the closest answer first, near-duplicates last."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pytest

from serving.listing.labels import Code
from serving.review.order import margin, ordered


@dataclass(frozen=True)
class Best:
    confidence: float


@dataclass(frozen=True)
class Asked:
    product: str
    answered: Code
    predictions: tuple[Best, ...]
    near_duplicates: str
    time: str


def asked(
    product: str, code: Code, first: float, second: float, *, like: str = "", time: str = "08:00"
) -> Asked:
    """An answer with these two best codes, a near-duplicate of none but those `like` it."""
    return Asked(product, code, (Best(first), Best(second)), like or product, time)


def products(answers: list[Asked]) -> list[str]:
    return [answer.product for answer in answers]


def test_the_margin_is_that_between_the_two_best() -> None:
    assert margin([0.5, 0.3, 0.2]) == pytest.approx(0.2)
    assert margin([0.4, 0.4]) == 0
    assert margin([1.0]) == 1
    assert margin([]) == 1


def test_nothing_waits() -> None:
    assert ordered([]) == []


def test_of_a_single_code_the_closest_comes_first() -> None:
    answers = [asked("sure", 10, 0.9, 0.05), asked("low", 10, 0.3, 0.1), asked("tie", 10, 0.5, 0.5)]
    assert products(ordered(answers)) == ["tie", "low", "sure"]


def test_codes_take_turns_however_many_answers_one_has() -> None:
    many = [asked(f"many-{n}", 10, 0.4, 0.4) for n in range(50)]
    few = [asked("a", "toys", 0.6, 0.3), asked("b", "toys", 0.7, 0.2), asked("c", 20, 0.8, 0.1)]
    shown = ordered([*many, *few])
    assert products(shown[:5]) == ["many-0", "a", "c", "many-1", "b"]
    assert {answer.answered for answer in shown[5:]} == {10}


def test_a_code_that_is_a_number_is_not_the_one_that_is_its_text() -> None:
    answers = [asked(f"{code!r}-{n}", code, 0.5, 0.4) for code in (10, "10") for n in range(2)]
    assert {answer.answered for answer in ordered(answers)[:2]} == {10, "10"}


def test_one_of_near_duplicates_comes_before_all_others() -> None:
    alike = [asked(f"copy-{n}", 10, 0.4 + n / 100, 0.4, like="same") for n in range(3)]
    others = [asked(f"other-{n}", 10, 0.8 + n / 100, 0.1) for n in range(3)]
    shown = products(ordered([*alike, *others]))
    assert shown == ["copy-0", "other-0", "other-1", "other-2", "copy-1", "copy-2"]


def test_near_duplicates_with_several_codes_are_one_group() -> None:
    answers = [
        asked("one", 10, 0.5, 0.4, like="same"),
        asked("two", 20, 0.5, 0.3, like="same"),
        asked("third", 20, 0.9, 0.1),
    ]
    assert products(ordered(answers)) == ["one", "third", "two"]


def test_ties_are_decided_by_time_then_by_product() -> None:
    answers = [
        asked("b", 10, 0.5, 0.4, time="08:01"),
        asked("a", 10, 0.5, 0.4, time="08:01"),
        asked("c", 10, 0.5, 0.4, time="08:00"),
    ]
    assert products(ordered(answers)) == ["c", "a", "b"]


def test_codes_within_a_turn_are_in_the_order_of_their_margins() -> None:
    answers = [asked("a", 10, 0.8, 0.1), asked("b", 20, 0.5, 0.4), asked("c", 30, 0.6, 0.3)]
    assert products(ordered(answers)) == ["b", "c", "a"]


def test_the_order_does_not_depend_on_how_answers_come() -> None:
    drawn = random.Random(3)
    answers = [
        asked(str(n), n % 7, *sorted((drawn.choice((0.2, 0.3, 0.5)), 0.2), reverse=True))
        for n in range(200)
    ]
    shown = ordered(answers)
    drawn.shuffle(answers)
    assert ordered(answers) == shown


def test_a_full_queue() -> None:
    drawn = random.Random(4)
    answers = [
        asked(f"{n:05}", drawn.randrange(27), 0.5, drawn.random() / 2, like=str(n // 2))
        for n in range(10_000)
    ]
    shown = ordered(answers)
    assert len(shown) == 10_000
    assert set(shown) == set(answers)
    assert len({answer.near_duplicates for answer in shown[:5_000]}) == 5_000
    assert max(Counter(answer.answered for answer in shown[:54]).values()) == 2
