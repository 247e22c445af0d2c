"""The n-grams of many products as one matrix: as they are written, and in small letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.sparse import csr_array

from serving.encoding.encoders import NgramEncoder
from serving.encoding.ngrams import CASED, VIEWS, Grams

_CASED = np.array([view in CASED for view in VIEWS])


@dataclass(frozen=True)
class Bags:
    """The vectors of n products, each of length 1.

    `parts`, float32 [2n, columns], has two rows a product: the n-grams that it has in small letters
    too, and those that it has by its capitals alone. As it is written a product is the sum of both,
    in small letters the first alone, `stretched` [n] to length 1; so the copies cost nothing.
    `across` is `parts` transposed: a product with it reads and writes in order. `columns`, int
    [columns], are the buckets that occur, the most frequent first: so those that are used most lie
    beside each other in memory.
    """

    parts: csr_array
    across: csr_array
    stretched: np.ndarray
    columns: np.ndarray

    @classmethod
    def of(cls, products: Sequence[Grams], encoder: NgramEncoder) -> Self:
        """Of products with these n-grams, weighed by `encoder`."""
        most = sum(len(found.buckets) for found in products)
        values, buckets = np.empty(most, np.float32), np.empty(most, np.int32)
        ends, stretched = [0], np.zeros((len(products), 1), np.float32)
        for number, found in enumerate(products):
            weighed = encoder.weigh(found)
            cased, known = _CASED[found.views], weighed != 0
            length = np.sqrt(np.sum(weighed[~cased] ** 2))
            stretched[number] = 1 / length if length else 0
            for part in (known & ~cased, known & cased):
                start, end = ends[-1], ends[-1] + int(part.sum())
                values[start:end], buckets[start:end] = weighed[part], found.buckets[part]
                ends.append(end)
        values, buckets = values[: ends[-1]], buckets[: ends[-1]]
        frequency = np.bincount(buckets, minlength=encoder.idf.size)
        columns = np.argsort(-frequency, kind="stable")[: np.count_nonzero(frequency)]
        place = np.empty(encoder.idf.size, np.int32)
        place[columns] = np.arange(len(columns), dtype=np.int32)
        shape = (2 * len(products), len(columns))
        parts = csr_array((values, place[buckets], np.array(ends)), shape=shape)
        return cls(parts, parts.T.tocsr(), stretched, columns)

    def scores(self, kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What `kernel`, float32 [columns, codes], gives to the products as they are written and in
        small letters, each [n, codes]."""
        found = self.parts @ kernel
        return found[0::2] + found[1::2], self.stretched * found[0::2]

    def back(self, written: np.ndarray, small: np.ndarray) -> np.ndarray:
        """The transpose of `scores`: from two [n, codes] to [columns, codes]."""
        return self.across @ self._rows(written, self.stretched * small)

    def diagonal(self, written: np.ndarray, small: np.ndarray) -> np.ndarray:
        """Of `back` after `scores`, with products weighted by two [n, 1] between: [columns, 1]."""
        squares = csr_array(
            (self.across.data**2, self.across.indices, self.across.indptr), self.across.shape
        )
        return squares @ self._rows(written, self.stretched**2 * small)

    def _rows(self, written: np.ndarray, plain: np.ndarray) -> np.ndarray:
        """For the rows of `parts`: `written` for all, `plain` for the first of each product too."""
        found = np.empty((2 * len(written), written.shape[1]), np.float32)
        found[0::2] = written + plain
        found[1::2] = written
        return found
