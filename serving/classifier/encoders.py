"""From normalised texts to the inputs of the text graph: one encoder for each text model."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from serving.classifier.ngrams import VIEWS, grams, inverse_document_frequency, weigh
from serving.classifier.text import Text, fold

ENCODER = "encoder.json"
VOCABULARY = "vocabulary.txt"
IDF = "idf.npy"

_WORD = re.compile(r"[^\W_]+")


class Encoder(Protocol):
    """Turns texts into the inputs of a text graph, and is stored beside it."""

    def encode(self, texts: Sequence[Text]) -> dict[str, np.ndarray]:
        """Graph inputs by name, one row for each text."""
        ...

    def write(self, folder: Path) -> None:
        """Store as ENCODER (and VOCABULARY) in `folder`."""
        ...


def words(text: str) -> list[str]:
    """Words in lower case without accents; punctuation separates."""
    return _WORD.findall(fold(text))


class WordEncoder:
    """The first `length` words of title and description as numbers in a vocabulary.

    0 is padding, 1 an unknown word, i + 2 the i-th word of the vocabulary.
    """

    kind = "words"

    def __init__(self, vocabulary: Sequence[str], length: int) -> None:
        self.vocabulary = tuple(vocabulary)
        self.length = length
        self._numbers = {word: number for number, word in enumerate(vocabulary, start=2)}

    @classmethod
    def fit(cls, texts: Iterable[Text], size: int, length: int) -> Self:
        """The `size` most frequent words; ties in alphabetical order."""
        counts = Counter(word for text in texts for field in text for word in words(field))
        frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:size]
        return cls([word for word, _ in frequent], length)

    def encode(self, texts: Sequence[Text]) -> dict[str, np.ndarray]:
        """`words`, int32 [n, length], padded at the end."""
        numbers = np.zeros((len(texts), self.length), np.int32)
        for row, text in enumerate(texts):
            known = words(text.title)[: self.length]
            known += words(text.description)[: self.length - len(known)]
            numbers[row, : len(known)] = [self._numbers.get(word, 1) for word in known]
        return {"words": numbers}

    def write(self, folder: Path) -> None:
        """Store in `folder`."""
        settings = {"kind": self.kind, "length": self.length}
        (folder / ENCODER).write_text(json.dumps(settings) + "\n", encoding="utf-8")
        (folder / VOCABULARY).write_text("\n".join(self.vocabulary) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path, settings: dict[str, int]) -> Self:
        """The inverse of `write`."""
        vocabulary = (folder / VOCABULARY).read_text(encoding="utf-8").splitlines()
        return cls(vocabulary, settings["length"])


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

    @classmethod
    def fit(cls, texts: Sequence[Text], bits: int, least: int, shares: Mapping[str, float]) -> Self:
        """Inverse document frequencies of `texts`; buckets seen in fewer than `least` are void."""
        found = [grams(text, bits) for text in texts]
        return cls(inverse_document_frequency(found, bits, least), shares)

    def rows(self, texts: Sequence[Text]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Buckets, int32 [k], and values, float32 [k], of each text."""
        answer = []
        for text in texts:
            found = grams(text, self.bits)
            values = weigh(found, self.idf, self._shares)
            known = values != 0
            answer.append((found.buckets[known].astype(np.int32), values[known]))
        return answer

    def encode(self, texts: Sequence[Text]) -> dict[str, np.ndarray]:
        """`buckets`, int32 [n, k], and `values`, float32 [n, k], padded with bucket 0, value 0."""
        return pad(self.rows(texts))

    def write(self, folder: Path) -> None:
        """Store in `folder`."""
        settings = {"kind": self.kind, "shares": self.shares}
        (folder / ENCODER).write_text(json.dumps(settings) + "\n", encoding="utf-8")
        np.save(folder / IDF, self.idf, allow_pickle=False)

    @classmethod
    def read(cls, folder: Path, settings: dict[str, dict[str, float]]) -> Self:
        """The inverse of `write`."""
        return cls(np.load(folder / IDF, allow_pickle=False), settings["shares"])


def pad(rows: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
    """Rows of unequal length as two rectangular arrays, filled up with bucket 0 and value 0."""
    longest = max((len(buckets) for buckets, _ in rows), default=0) or 1
    buckets = np.zeros((len(rows), longest), np.int32)
    values = np.zeros((len(rows), longest), np.float32)
    for row, (found, weights) in enumerate(rows):
        buckets[row, : len(found)] = found
        values[row, : len(found)] = weights
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
