"""Which products a model card explains: the first of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from serving.classifier.explaining import Explanation
from serving.classifier.prediction import Prediction, Product
from serving.listing.labels import Code
from serving.listing.text import Text

KINDS: dict[str, Callable[[Prediction, Code], bool]] = {
    "Accepted and wrong": lambda answer, actual: answer.accepted and answer.code != actual,
    "Accepted and right": lambda answer, actual: answer.accepted and answer.code == actual,
    "Sent to review and wrong": lambda answer, actual: (
        not answer.accepted and answer.code != actual
    ),
    "From a picture alone": lambda answer, _: answer.state == "image",
    "From text and picture": lambda answer, _: answer.state == "both",
}
"""What is shown, each asked of an answer and the actual code; what costs a shop most is first."""


@dataclass(frozen=True)
class Example:
    """A test product with its normalised text, its answer and what moved it."""

    text: Text
    actual: Code
    prediction: Prediction
    explanation: Explanation


def first_of_each_kind(
    answered: Iterable[tuple[Any, Product, Prediction]],
) -> dict[str, tuple[Any, Product] | None]:
    """Row and product of the first of each kind, no product twice; None where there is none.

    A row has the actual code as `prdtypecode`. Reads no further than it must.
    """
    chosen: dict[str, tuple[Any, Product] | None] = dict.fromkeys(KINDS)
    for row, product, prediction in answered:
        for kind, fits in KINDS.items():
            if chosen[kind] is None and fits(prediction, row.prdtypecode):
                chosen[kind] = (row, product)
                break
        if all(chosen.values()):
            break
    return chosen
