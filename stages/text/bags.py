"""The n-grams of many products as one matrix: as they are written, and in small letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.sparse import csc_array, csr_array

from serving.encoding.encoders import NgramEncoder
from serving.encoding.ngrams import CASED, VIEWS, Grams

_INT32 = np.iinfo(np.int32).max  # entries up to which places in memory take four bytes, not eight
_CASED = np.array([view in CASED for view in VIEWS])


@dataclass(frozen=True)
class Bags:
    """The vectors of n products, each of length 1.

    `parts`, float32 [2n, columns], has two rows a product: the n-grams that it has in small letters
    too, and those that it has by its capitals alone. As it is written a product is the sum of both,
    in small letters the first alone, `stretched` [n] to length 1; so the copies cost nothing.
    `columns`, int [columns], are the buckets that occur, in their order.

    The matrix lies in memory column after column. So a kernel, [columns, codes], is read and
    written in order, and what jumps about is [2n, codes], a tenth as large; row after row `scores`
    takes four times as long.
    """

    parts: csc_array
    stretched: np.ndarray
    columns: np.ndarray

    @classmethod
    def of(cls, products: Sequence[Grams], encoder: NgramEncoder) -> Self:
        """Of products with these n-grams, weighed by `encoder`."""
        most = sum(len(product.buckets) for product in products)
        values, buckets = np.empty(most, np.float32), np.empty(most, np.int32)
        ends, stretched = [0], np.zeros((len(products), 1), np.float32)
        for number, product in enumerate(products):
            weighed = encoder.weigh(product)
            cased, known = _CASED[product.views], weighed != 0
            length = np.sqrt(np.sum(weighed[~cased] ** 2))
            stretched[number] = 1 / length if length else 0
            for part in (known & ~cased, known & cased):
                start, end = ends[-1], ends[-1] + int(part.sum())
                values[start:end], buckets[start:end] = weighed[part], product.buckets[part]
                ends.append(end)
        values, buckets = values[: ends[-1]], buckets[: ends[-1]]
        columns = np.flatnonzero(np.bincount(buckets, minlength=encoder.idf.size))
        place = np.empty(encoder.idf.size, np.int32)
        place[columns] = np.arange(len(columns), dtype=np.int32)
        starts = np.array(ends, np.int32 if ends[-1] <= _INT32 else np.int64)
        shape = (2 * len(products), len(columns))
        return cls(csr_array((values, place[buckets], starts), shape).tocsc(), stretched, columns)

    def scores(self, kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What `kernel`, float32 [columns, codes], gives to the products as they are written and in
        small letters, each [n, codes]."""
        scores = self.parts @ kernel
        return scores[0::2] + scores[1::2], self.stretched * scores[0::2]

    def back(self, written: np.ndarray, small: np.ndarray) -> np.ndarray:
        """The transpose of `scores`: from two [n, codes] to [columns, codes]."""
        return self.parts.T @ self._rows(written, self.stretched * small)

    def diagonal(self, written: np.ndarray, small: np.ndarray) -> np.ndarray:
        """Of `back` after `scores`, with products weighted by two [n, 1] between: [columns, 1]."""
        squares = csc_array(
            (self.parts.data**2, self.parts.indices, self.parts.indptr), self.parts.shape
        )
        return squares.T @ self._rows(written, self.stretched**2 * small)

    def _rows(self, written: np.ndarray, plain: np.ndarray) -> np.ndarray:
        """For the rows of `parts`: `written` for all, `plain` for the first of each product too."""
        rows = np.empty((2 * len(written), written.shape[1]), np.float32)
        rows[0::2] = written + plain
        rows[1::2] = written
        return rows
