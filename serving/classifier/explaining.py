"""Why an answer: the words and the regions of the picture that moved it, by leaving each out.

Occlusion (Zeiler and Fergus, 2014; Robnik-Šikonja and Kononenko, 2008): the exported graphs answer
the product again without one word, or with one cell of the picture painted over. The effect of
what was left out is by how much the calibrated log-odds of the answered code fall, in nats, under
the blend of the product as it was: a product with both modalities stays one with both. Log-odds,
because the probability of a sure answer hardly moves.

A word that stands twice is left out once at a time, so each of the two may seem to matter little.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple, TypeVar

import numpy as np

from serving.classifier.classifier import Classifier
from serving.classifier.fusion import BranchLogits
from serving.classifier.prediction import Logits, Prediction, Product
from serving.listing.images import ImageError
from serving.listing.text import Text, normalise_listing

MAX_WORDS = 48
"""Words left out one by one, those of the designation first; bounds the cost of a long listing."""

MAX_PASSAGES = 8
"""Passages of equal numbers of words, left out as a whole, into which each field is divided from
there on."""

GRID = 4
"""Cells of the picture on either side."""

TOP = 10
"""Words listed, and regions listed: those with the largest effects, for or against the answer."""

Field = Literal["designation", "description"]
_FIELDS: tuple[Field, ...] = ("designation", "description")

_WORD = re.compile(r"[^\W_]+(?:[-'’.,/&+][^\W_]+)*")
_TINY = 1e-12


@dataclass(frozen=True)
class Word:
    """A word, or a passage of a long text, and by how much the answer rests on it.

    `field` is designation or description; `start` and `end` count characters of that field once
    HTML is stripped and white space folded.
    """

    field: Field
    start: int
    end: int
    word: str
    effect: float


@dataclass(frozen=True)
class Region:
    """A part of the picture, in shares of its width and height, and by how much the answer rests
    on it."""

    left: float
    top: float
    right: float
    bottom: float
    effect: float


Part = TypeVar("Part", Word, Region)


@dataclass(frozen=True)
class Explanation:
    """What moved an answer, from the strongest support to the strongest opposition.

    `effect` is by how much the log-odds of the predicted code fall (in nats) when the word is left
    out or the region painted over; below 0 where the answer is surer without it.
    """

    words: tuple[Word, ...]
    regions: tuple[Region, ...]


class Span(NamedTuple):
    """Characters `start` to `end` of a field."""

    field: Field
    start: int
    end: int


def explain(classifier: Classifier, product: Product) -> tuple[Prediction, Explanation | None]:
    """The answer `classifier.predict` gives, and what moved it; None where nothing was usable.

    Costs at most MAX_WORDS + 2 * MAX_PASSAGES texts and GRID² pictures.
    """
    product = _decoded(product, classifier)
    logits = classifier.logits([product])
    (prediction,) = classifier.decide(logits)
    if prediction.state == "none":
        return prediction, None
    column = classifier.codes.index(prediction.code)
    answered = _Answered(classifier, logits, column)
    return prediction, Explanation(
        words=_strongest(_words(answered, product)) if logits.has_text[0] else (),
        regions=_strongest(_regions(answered, product)) if logits.has_image[0] else (),
    )


@dataclass(frozen=True)
class _Answered:
    """A product as it was answered: logits of one row, and the column of its code."""

    classifier: Classifier
    logits: Logits
    column: int

    def effects(self, others: BranchLogits) -> np.ndarray:
        """Float64 [n]: by how much the log-odds fall with `others`, logits [n, codes] of some
        branches, in the place of its own."""
        return self._log_odds(self.logits.branches) - self._log_odds(
            {**self.logits.branches, **others}
        )

    def _log_odds(self, branches: BranchLogits) -> np.ndarray:
        n = max(len(logits) for logits in branches.values())
        asked = Logits(
            {b: np.broadcast_to(z, (n, z.shape[1])) for b, z in branches.items()},
            np.broadcast_to(self.logits.has_text, n),
            np.broadcast_to(self.logits.has_image, n),
            [None] * n,
        )
        p = np.stack([answer.probabilities for answer in self.classifier.decide(asked)])
        others = np.delete(p, self.column, axis=1).sum(axis=1)
        return np.log(np.maximum(p[:, self.column], _TINY)) - np.log(np.maximum(others, _TINY))


def _decoded(product: Product, classifier: Classifier) -> Product:
    """The product with its picture decoded, once for the answer and for all regions; as it was
    where that cannot be done, so that the answer says why."""
    if classifier.image_size is None or not isinstance(product.image, bytes):
        return product
    try:
        return replace(product, image=classifier.decode(product.image))
    except ImageError:
        return product


def _words(answered: _Answered, product: Product) -> list[Word]:
    listing = normalise_listing(product.designation, product.description)
    spans = list(spans_of(listing))
    texts = [leave_out(listing, span) for span in spans]
    effects = answered.effects(answered.classifier.text_logits(texts)) if spans else ()
    return [
        Word(*span, getattr(listing, span.field)[span.start : span.end], float(effect))
        for span, effect in zip(spans, effects, strict=True)
    ]


def _regions(answered: _Answered, product: Product) -> list[Region]:
    pixels = product.image
    if not isinstance(pixels, np.ndarray):  # then there would be no logits of a picture
        return []
    size = len(pixels)
    boxes = list(cells(size))
    pictures = [paint_over(pixels, box) for box in boxes]
    effects = answered.effects({"image": answered.classifier.pixel_logits(pictures)})
    return [
        Region(left / size, top / size, right / size, bottom / size, float(effect))
        for (left, top, right, bottom), effect in zip(boxes, effects, strict=True)
    ]


def spans_of(listing: Text) -> Iterator[Span]:
    """What is left out: the first MAX_WORDS words, then up to MAX_PASSAGES passages a field."""
    singles = MAX_WORDS
    for field in _FIELDS:
        words = [match.span() for match in _WORD.finditer(getattr(listing, field))]
        for start, end in words[:singles]:
            yield Span(field, start, end)
        rest = words[singles:]
        singles -= min(singles, len(words))
        length = -(-len(rest) // MAX_PASSAGES)
        for first in range(0, len(rest), max(length, 1)):
            passage = rest[first : first + length]
            yield Span(field, passage[0][0], passage[-1][1])


def leave_out(listing: Text, span: Span) -> Text:
    """The listing without the characters of `span`, spaces folded as normalisation folds them."""
    field = getattr(listing, span.field)
    shorter = " ".join((field[: span.start] + " " + field[span.end :]).split())
    return listing._replace(**{span.field: shorter})


def cells(size: int) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, right and bottom, in pixels, of the GRID² cells, row by row."""
    edges = [round(step * size / GRID) for step in range(GRID + 1)]
    for top, bottom in pairwise(edges):
        for left, right in pairwise(edges):
            yield left, top, right, bottom


def paint_over(pixels: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """A copy of uint8 [size, size, 3] with `box` in the picture's mean colour."""
    left, top, right, bottom = box
    painted = pixels.copy()
    painted[top:bottom, left:right] = pixels.mean(axis=(0, 1)).round().astype(np.uint8)
    return painted


def _strongest(items: list[Part]) -> tuple[Part, ...]:
    kept = sorted(items, key=lambda item: -abs(item.effect))[:TOP]
    return tuple(sorted(kept, key=lambda item: -item.effect))
