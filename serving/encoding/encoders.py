"""From normalised texts to the inputs of the text graph: one encoder for each text model."""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import numpy as np

from serving.encoding.ngrams import VIEWS, Grams, grams, inverse_document_frequency, weigh
from serving.listing.text import Text, fold

ENCODER = "encoder.json"
VOCABULARY = "vocabulary.txt"
IDF = "idf.npy"

SHAPES = 256
"""Buckets of word shapes; 0 is padding."""

_WORD = re.compile(r"[^\W_]+")
_RUNS = (3, 4, 5)
_LONGEST_SHAPE = 8
_REMEMBERED = 50_000


class Encoder(Protocol):
    """Turns texts into the inputs of a text graph, and is stored beside it."""

    def encode(self, texts: Sequence[Text]) -> dict[str, np.ndarray]:
        """Graph inputs by name, one row for each text."""
        ...

    def encode_with_rarity(
        self, texts: Sequence[Text]
    ) -> tuple[dict[str, np.ndarray], list[float | None]]:
        """The same, and how rare each text is: from 0, the commonest parts alone, to 1, nothing
        but unknown ones, by thousandths; None for a text without any part.

        What was fitted on a text finds it hardly less rare than a new one: a part that was seen a
        few times only is nearly as rare as an unknown one. The share of unknown parts would be far
        lower for it.
        """
        ...

    def write(self, folder: Path) -> None:
        """Store as ENCODER (and VOCABULARY) in `folder`."""
        ...


def words(text: str) -> list[str]:
    """Words in lower case without accents; punctuation separates."""
    return _WORD.findall(fold(text))


class WordEncoder:
    """The first words of designation and description, each as a number, as pieces and as a shape.

    A word is its number in the vocabulary (0 is padding, 1 unknown, i + 2 the i-th word), the
    hashes of its runs of 3 to 5 letters (Bojanowski et al., 2017, "Enriching Word Vectors with
    Subword Information"), which say something of words never seen, and its shape: which letters
    are capitals, which are digits. `lengths` are the words read of designation and description; a
    row holds the designation's places, then the description's.
    """

    kind = "words"

    def __init__(
        self, vocabulary: Sequence[str], lengths: tuple[int, int], pieces: int, buckets: int
    ) -> None:
        self.vocabulary = tuple(vocabulary)
        self.lengths = lengths
        self.pieces = pieces
        self.buckets = buckets
        self._numbers = {word: number for number, word in enumerate(vocabulary, start=2)}
        known = len(self.vocabulary)
        ranks = np.array([1, known + 2, *range(1, known + 1)])  # padding, unknown, the known
        self._rarity = _thousandths(np.log(ranks) / np.log(known + 2))
        self._known: dict[str, _Word] = {}

    @classmethod
    def fit(
        cls,
        texts: Iterable[Text],
        size: int,
        lengths: tuple[int, int],
        pieces: int,
        buckets: int,
    ) -> Self:
        """The `size` most frequent words; ties in alphabetical order."""
        counts = Counter(word for text in texts for field in text for word in words(field))
        frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:size]
        return cls([word for word, _ in frequent], lengths, pieces, buckets)

    def encode(self, texts: Sequence[Text]) -> dict[str, np.ndarray]:
        """`words` and `shapes`, int32 [n, places], and `pieces`, int32 [n, places, pieces]."""
        places = sum(self.lengths)
        numbers = np.zeros((len(texts), places), np.int32)
        shapes = np.zeros((len(texts), places), np.int32)
        pieces = np.zeros((len(texts), places, self.pieces), np.int32)
        for row, text in enumerate(texts):
            for field, first, length in zip(text, (0, self.lengths[0]), self.lengths, strict=True):
                for place, raw in enumerate(_WORD.findall(field)[:length], start=first):
                    word = self._word(raw)
                    numbers[row, place] = word.number
                    shapes[row, place] = word.shape
                    pieces[row, place, : len(word.pieces)] = word.pieces
        return {"words": numbers, "pieces": pieces, "shapes": shapes}

    def encode_with_rarity(
        self, texts: Sequence[Text]
    ) -> tuple[dict[str, np.ndarray], list[float | None]]:
        """See Encoder: the mean over words of the logarithm of a word's rank by frequency (after
        Zipf's law), in shares of that of an unknown one."""
        inputs = self.encode(texts)
        return inputs, [_mean(self._rarity[row[row > 0]]) for row in inputs["words"]]

    def _word(self, raw: str) -> _Word:
        """What is known of a word as it was written; remembered, up to a bound."""
        word = self._known.get(raw)
        if word is None:
            folded = fold(raw)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            word = _Word(
                self._numbers.get(folded, 1),
                1 + _hash(_shape(raw)) % (SHAPES - 1),
                _pieces(folded, self.pieces, self.buckets),
            )
            self._known[raw] = word
        return word

    def write(self, folder: Path) -> None:
        """Store in `folder`."""
        settings = {
            "kind": self.kind,
            "lengths": self.lengths,
            "pieces": self.pieces,
            "buckets": self.buckets,
        }
        (folder / ENCODER).write_text(json.dumps(settings) + "\n", encoding="utf-8")
        (folder / VOCABULARY).write_text("\n".join(self.vocabulary) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path, settings: dict[str, Any]) -> Self:
        """The inverse of `write`."""
        vocabulary = (folder / VOCABULARY).read_text(encoding="utf-8").splitlines()
        designation, description = settings["lengths"]
        return cls(vocabulary, (designation, description), settings["pieces"], settings["buckets"])


class _Word(NamedTuple):
    number: int
    shape: int
    pieces: list[int]


def _hash(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def _shape(word: str) -> str:
    """ "Xbox360" -> "Aaa00": capitals, other letters, digits; runs count two at most."""
    kinds = ("A" if c.isupper() else "a" if c.isalpha() else "0" for c in word)
    runs = ("".join(run)[:2] for _, run in groupby(kinds))
    return "".join(runs)[:_LONGEST_SHAPE]


def _pieces(word: str, most: int, buckets: int) -> list[int]:
    """Buckets 1..buckets - 1 of the word's runs of letters, spread evenly when there are more."""
    marked = f"<{word}>"
    runs = [
        marked[start : start + length]
        for length in _RUNS
        for start in range(len(marked) - length + 1)
    ]
    if len(runs) > most:
        runs = [runs[i * (len(runs) - 1) // max(most - 1, 1)] for i in range(most)]
    return [1 + _hash(run) % (buckets - 1) for run in runs]


class NgramEncoder:
    """Hashed n-grams of several views of a listing, weighed by TF-IDF.

    `idf` is float32 [buckets]; `shares` gives each view's part of the squared length.
    """

    kind = "ngrams"

    def __init__(self, idf: np.ndarray, shares: Mapping[str, float]) -> None:
        self.idf = idf
        self.shares = dict(shares)
        self.bits = int(idf.size).bit_length() - 1
        self._shares = np.array([shares[view] for view in VIEWS])
        rarest = max(float(idf.max(initial=0.0)), 1.0)
        self._rarity = _thousandths(np.where(idf > 0, idf, rarest) / rarest)

    @classmethod
    def fit(cls, texts: Sequence[Text], bits: int, least: int, shares: Mapping[str, float]) -> Self:
        """Inverse document frequencies of `texts`; buckets seen in fewer than `least` are void."""
        bags = [grams(text, bits) for text in texts]
        return cls(inverse_document_frequency(bags, bits, least), shares)

    def rows(self, texts: Sequence[Text]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Buckets, int32 [k], and values, float32 [k], of each text."""
        return [self.row(grams(text, self.bits)) for text in texts]

    def encode(self, texts: Sequence[Text]) -> dict[str, np.ndarray]:
        """`buckets`, int32 [n, k], and `values`, float32 [n, k], padded with bucket 0, value 0."""
        return pad(self.rows(texts))

    def encode_with_rarity(
        self, texts: Sequence[Text]
    ) -> tuple[dict[str, np.ndarray], list[float | None]]:
        """See Encoder: the mean inverse document frequency of the n-grams, in shares of the largest
        there is; a void bucket has that."""
        bags = [grams(text, self.bits) for text in texts]
        rarity = [_mean(self._rarity[bag.buckets]) for bag in bags]
        return pad([self.row(bag) for bag in bags]), rarity

    def row(self, bag: Grams) -> tuple[np.ndarray, np.ndarray]:
        """Buckets, int32 [k], and values, float32 [k], of those n-grams that are not void."""
        values = self.weigh(bag)
        known = values != 0
        return bag.buckets[known], values[known]

    def weigh(self, bag: Grams) -> np.ndarray:
        """The value of every n-gram, float32 [k]; 0 of a void one."""
        return weigh(bag, self.idf, self._shares)

    def write(self, folder: Path) -> None:
        """Store in `folder`."""
        settings = {"kind": self.kind, "shares": self.shares}
        (folder / ENCODER).write_text(json.dumps(settings) + "\n", encoding="utf-8")
        np.save(folder / IDF, self.idf, allow_pickle=False)

    @classmethod
    def read(cls, folder: Path, settings: dict[str, dict[str, float]]) -> Self:
        """The inverse of `write`."""
        return cls(np.load(folder / IDF, allow_pickle=False), settings["shares"])


def _thousandths(shares: np.ndarray) -> np.ndarray:
    """Int32: integers add up to the same sum in any order."""
    return np.rint(1000 * shares.astype(np.float64)).astype(np.int32)


def _mean(thousandths: np.ndarray) -> float | None:
    """Their mean as a share; None if there are none."""
    return int(thousandths.sum()) / (1000 * len(thousandths)) if len(thousandths) else None


def pad(rows: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
    """Rows of unequal length as two rectangular arrays, filled up with bucket 0 and value 0."""
    longest = max((len(buckets) for buckets, _ in rows), default=0) or 1
    buckets = np.zeros((len(rows), longest), np.int32)
    values = np.zeros((len(rows), longest), np.float32)
    for row, (its_buckets, its_values) in enumerate(rows):
        buckets[row, : len(its_buckets)] = its_buckets
        values[row, : len(its_values)] = its_values
    return {"buckets": buckets, "values": values}


def read_encoder(folder: Path) -> Encoder:
    """The encoder stored in `folder`."""
    settings = json.loads((folder / ENCODER).read_text(encoding="utf-8"))
    if settings["kind"] == WordEncoder.kind:
        return WordEncoder.read(folder, settings)
    if settings["kind"] == NgramEncoder.kind:
        return NgramEncoder.read(folder, settings)
    raise ValueError(
        f"{folder / ENCODER}: kind {settings['kind']!r} is unknown; expected words or ngrams"
    )
