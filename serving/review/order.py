"""The order in which answers are shown to reviewers: what teaches the classifier most comes first.

The answer whose two best codes are the closest is the one that a label decides (smallest margin:
Scheffer et al., 2001, "Active Hidden Markov Models for Information Extraction"; Settles, 2009,
"Active Learning Literature Survey", 3.1), after uncertainty sampling by Lewis and Gale (1994, "A
Sequential Algorithm for Training Text Classifiers"). Alone it asks again and again about the few
codes that are hard to tell apart, or labelled inconsistently. So the codes that were answered take
turns, and of near-duplicates one is shown, the others when nothing else waits.

Everything but the place in a turn is known when an answer begins to wait. In SQL, with `margin`
kept in a column:

    copy = row_number() over (partition by near_duplicates order by margin, time, product)
    turn = row_number() over (partition by answered order by copy, margin, time, product)
    order by copy > 1, turn, margin, time, product

What other rules reach is told in docs/benchmarks.md, "Review: labels to the same F1".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from serving.listing.labels import Code


class Probable(Protocol):
    """A code the product may have."""

    @property
    def confidence(self) -> float:
        """Its probability."""
        ...


class Answer(Protocol):
    """What the order depends on."""

    @property
    def product(self) -> str:
        """The product's key; no two answers have the same."""
        ...

    @property
    def time(self) -> str:
        """When it was answered: texts in the order of time."""
        ...

    @property
    def answered(self) -> Code:
        """The code that was answered."""
        ...

    @property
    def predictions(self) -> Sequence[Probable]:
        """The best codes, the most probable first."""
        ...

    @property
    def near_duplicates(self) -> str:
        """Equal for products that are nearly the same."""
        ...


A = TypeVar("A", bound=Answer)


def margin(probabilities: Sequence[float]) -> float:
    """By how much the best code is more probable than the second, 0 to 1, of probabilities in
    descending order; the least is shown first. A code that is the only one is sure."""
    if len(probabilities) < 2:
        return 1.0
    return probabilities[0] - probabilities[1]


def ordered(waiting: Iterable[A]) -> list[A]:
    """The answers in the order in which they are shown."""
    closest_first = sorted(waiting, key=_closeness)
    copies: Counter[str] = Counter()
    firsts: list[tuple[int, A]] = []
    for answer in closest_first:
        copies[answer.near_duplicates] += 1
        firsts.append((copies[answer.near_duplicates], answer))
    turns: Counter[Code] = Counter()
    placed: list[tuple[bool, int, A]] = []
    for copy, answer in sorted(firsts, key=lambda found: found[0]):  # stable: closest first
        turns[answer.answered] += 1
        placed.append((copy > 1, turns[answer.answered], answer))
    placed.sort(key=lambda found: (*found[:2], _closeness(found[2])))
    return [answer for *_, answer in placed]


def _closeness(answer: Answer) -> tuple[float, str, str]:
    probabilities = [candidate.confidence for candidate in answer.predictions[:2]]
    return margin(probabilities), answer.time, answer.product
