"""Hashed n-grams of a listing, several views of it, without a loop over characters.

Each view of a product (the words of its designation, the characters of its description, the shape
of its designation, ...) is a bag of 64-bit hashes, computed with NumPy over code points: the hash
of an n-gram is a polynomial in its code points, extended from n to n + 1 for all positions at once
(rolling hash: Karp and Rabin, 1987), and mixed with the finaliser of SplitMix64 (Steele et al.,
2014).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from serving.listing.text import Text

MAX_DESCRIPTION = 2000
"""Characters of a description that are read: keeps a product under 2 ms and its size bounded."""

MAX_DESIGNATION = 500
"""Characters of a designation that are read."""

_TABLE = 0x10000  # the Basic Multilingual Plane: every script in use today
_OTHER = np.uint32(0x25A1)  # stands for every code point beyond: pictograms, rare ideographs
_SPACE = 32
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_POWERS = np.cumprod(np.full(256, np.uint64(1099511628211), np.uint64), dtype=np.uint64)
_PAIRED_WORDS = 16  # 120 pairs at most; more of a title says little more
_PUNCTUATION = np.array([ord(character) for character in "-.,:/()'+°&!?*\"[]|®"], np.uint32)


class _Tables(NamedTuple):
    """What each code point below _TABLE is, each array [_TABLE]."""

    folded: np.ndarray  # lower case without accent
    word: np.ndarray  # folded, or a space where it is neither letter nor digit
    shape: np.ndarray  # "A", "a", "0" for letters and digits, else itself
    letter: np.ndarray
    upper: np.ndarray


class _Field(NamedTuple):
    """One field as code points, with a space at both ends, and its words."""

    points: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    words: np.ndarray


@cache
def _tables() -> _Tables:
    folded = np.arange(_TABLE, dtype=np.uint32)
    shape = folded.copy()
    letter, upper, part_of_word = (np.zeros(_TABLE, bool) for _ in range(3))
    for point in range(_TABLE):
        character = chr(point)
        lower = character.lower()
        base = [c for c in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(c)]
        if len(base) == 1:
            folded[point] = ord(base[0])
        elif len(lower) == 1:
            folded[point] = ord(lower)
        letter[point] = character.isalpha()
        upper[point] = character.isupper()
        part_of_word[point] = character.isalnum()
        if character.isdigit():
            shape[point] = ord("0")
        elif character.isalpha():
            shape[point] = ord("A") if character.isupper() else ord("a")
    word = np.where(part_of_word, folded, _SPACE).astype(np.uint32)
    return _Tables(folded, word, shape, letter, upper)


def _mix(hashes: np.ndarray) -> np.ndarray:
    hashes = (hashes ^ (hashes >> np.uint64(30))) * _MIX_1
    hashes = (hashes ^ (hashes >> np.uint64(27))) * _MIX_2
    return hashes ^ (hashes >> np.uint64(31))


def _segments(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where runs of True begin, and where they have ended; `inside` begins and ends False."""
    change = np.diff(inside.astype(np.int8))
    return np.flatnonzero(change == 1) + 1, np.flatnonzero(change == -1) + 1


def _segment_hashes(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """One hash for the values from each start to the next; 0 adds nothing."""
    if not len(starts):
        return np.zeros(0, np.uint64)
    lengths = np.diff(np.append(starts, len(values)))
    position = np.arange(starts[0], len(values)) - np.repeat(starts, lengths)
    powers = _POWERS[np.minimum(position, len(_POWERS) - 1)]
    terms = values[starts[0] :].astype(np.uint64) * powers
    return _mix(np.add.reduceat(terms, starts - starts[0]))


def _sequences(hashes: np.ndarray, longest: int) -> np.ndarray:
    """Hashes of all runs of 1 to `longest` neighbours."""
    runs, grams = [hashes], hashes
    for length in range(2, longest + 1):
        grams = _mix(grams[:-1] * _PRIME + hashes[length - 1 :])
        runs.append(grams)
    return np.concatenate(runs)


def _pairs(hashes: np.ndarray) -> np.ndarray:
    """Hashes of every two words among the first ones, wherever they stand and in either order."""
    first, second = np.triu_indices(min(len(hashes), _PAIRED_WORDS), k=1)
    return _mix(hashes[first] + hashes[second])


def _characters(
    points: np.ndarray, shortest: int, longest: int, *, within_words: bool
) -> np.ndarray:
    """Hashes of all runs of `shortest` to `longest` code points.

    With `within_words`, of those that have a space at an end at most, never inside.
    """
    wide = points.astype(np.uint64)
    space = points == _SPACE
    spaces = np.cumsum(space)
    runs, grams = [], wide
    for length in range(2, min(longest, len(points)) + 1):
        grams = grams[:-1] * _PRIME + wide[length - 1 :]
        if length < shortest:
            continue
        kept = grams
        if within_words:
            if length == 2:
                inner_free = ~(space[:-1] & space[1:])
            else:
                inner_free = spaces[length - 2 : -1] == spaces[: 1 - length]
            kept = grams[inner_free]
        runs.append(_mix(kept + np.uint64(length)))
    return np.concatenate(runs) if runs else np.zeros(0, np.uint64)


def _field(text: str, longest: int) -> _Field:
    raw = np.frombuffer(f" {text[:longest]} ".encode("utf-32-le", "surrogatepass"), np.uint32)
    points = np.where(raw < _TABLE, raw, _OTHER)
    word = _tables().word[points]
    starts, ends = _segments(word != _SPACE)
    values = np.where(word != _SPACE, word, 0)
    return _Field(points, starts, ends, _segment_hashes(values, starts))


def _style(designation: _Field, description: str) -> np.ndarray:
    """How a designation is written: length, words, digits, capitals, punctuation, how it ends."""
    tables = _tables()
    points = designation.points[1:-1]
    count = len(designation.starts)
    upper = tables.upper[points]
    digit = np.append(False, tables.shape[points] == ord("0"))
    capitals = np.append(0, np.cumsum(upper))
    length = designation.ends - designation.starts
    shouted = (capitals[designation.ends - 1] - capitals[designation.starts - 1] == length) & (
        length > 1
    )
    letter = tables.letter[points]
    last = tables.shape[points[-1]] if len(points) else 0
    facts = [
        _bucket(len(points)),
        100 + _bucket(len(description)),
        200 + _bucket(count),
        300 + min(5, int((digit[1:] & ~digit[:-1]).sum())),
        400 + 4 * int(upper[designation.starts - 1].sum()) // max(1, count),
        500 + min(4, int(shouted.sum())),
        600 + int((letter & (points >= 0xC0)).any()),
        1000 + int(last),
    ]
    marks = np.minimum((points[:, np.newaxis] == _PUNCTUATION).sum(axis=0), 3)
    seen = np.flatnonzero(marks)
    punctuation = (
        1_000_000 + 4 * _PUNCTUATION[seen].astype(np.uint64) + marks[seen].astype(np.uint64)
    )
    return _mix(np.append(np.array(facts, np.uint64), punctuation) * _PRIME)


def _bucket(count: int) -> int:
    """Number on a scale on which each step is half as much again."""
    return int(np.log(count + 1) / np.log(1.5))


def _mixed_case(text: str) -> bool:
    """Whether capitals say anything: they do not in a text all in small or in capital letters."""
    return text not in (text.lower(), text.upper())


def _views(text: Text) -> dict[str, np.ndarray]:
    tables = _tables()
    designation = _field(text.designation, MAX_DESIGNATION)
    description = _field(text.description, MAX_DESCRIPTION)
    views = {
        "designation_words": _sequences(designation.words, 2),
        "designation_pairs": _pairs(designation.words),
        "designation_characters": _characters(
            tables.folded[designation.points], 2, 5, within_words=True
        ),
        "description_words": _sequences(description.words, 2),
        "description_characters": _characters(
            tables.folded[description.points], 3, 5, within_words=True
        ),
    }
    if _mixed_case(text.designation):
        views["designation_case"] = _characters(designation.points, 2, 5, within_words=True)
        views["designation_shape"] = _characters(
            tables.shape[designation.points], 2, 5, within_words=False
        )
        views["designation_style"] = _style(designation, text.description)
    return views


VIEWS = (
    "designation_words",
    "designation_characters",
    "designation_case",
    "designation_shape",
    "designation_style",
    "description_words",
    "description_characters",
    "designation_pairs",
)
"""Every view; the order is part of the hashes."""

CASED = ("designation_case", "designation_shape", "designation_style")
"""Views that a designation in small letters does not have; the others are the same for it."""

_SALTS = {
    view: _mix(np.array([position + 1], np.uint64) * _PRIME)[0]
    for position, view in enumerate(VIEWS)
}


class Grams(NamedTuple):
    """The n-grams of one product, each [k]: bucket, int32, view (position in VIEWS), int8, and
    count, int32."""

    buckets: np.ndarray
    views: np.ndarray
    counts: np.ndarray


def grams(text: Text, bits: int) -> Grams:
    """All n-grams of a listing, hashed into 2**bits buckets, each bucket once a view."""
    hashed = _views(text)
    hashes = [_mix(hashed[view] ^ _SALTS[view]) for view in VIEWS if view in hashed]
    views = [np.full(len(hashed[view]), i) for i, view in enumerate(VIEWS) if view in hashed]
    buckets = (np.concatenate(hashes) >> np.uint64(64 - bits)).astype(np.int64)
    keys, counts = np.unique(buckets * len(VIEWS) + np.concatenate(views), return_counts=True)
    return Grams(
        (keys // len(VIEWS)).astype(np.int32),
        (keys % len(VIEWS)).astype(np.int8),
        counts.astype(np.int32),
    )


def weigh(bag: Grams, idf: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """TF-IDF values, float32 [k], of length 1 as a whole.

    Within a view (1 + log count) * idf, to length 1; a view then has the part shares[view] of the
    squared length, divided by the parts of the views that the product has.
    """
    values = (1 + np.log(bag.counts)) * idf[bag.buckets]
    squares = np.bincount(bag.views, values * values, minlength=len(VIEWS))
    present = squares > 0
    scale = np.sqrt(shares / np.where(present, squares, 1.0)) * present
    total = np.sqrt(max(shares[present].sum(), 1e-12))
    return (values * scale[bag.views] / total).astype(np.float32)


def inverse_document_frequency(bags: Sequence[Grams], bits: int, least: int) -> np.ndarray:
    """Float32 [2**bits]: log((1 + n) / (1 + df)) + 1; 0 for buckets in fewer than `least`."""
    frequency = np.zeros(2**bits, np.int64)
    for bag in bags:
        frequency[bag.buckets] += 1  # once, however many views have the bucket
    idf = np.log((1 + len(bags)) / (1 + frequency)) + 1
    return np.where(frequency >= least, idf, 0).astype(np.float32)
