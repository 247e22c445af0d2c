"""Vectors of words from the company they keep, counted on the catalogue itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array, csr_array
from sklearn.utils.extmath import randomized_svd

from serving.encoding.encoders import words
from serving.listing.text import Text

_WINDOW = 5
"""Neighbours to each side; one at distance d counts 1 / d."""

_READ = 200
"""Words of a field that are counted."""

_CHUNK = 2000
"""Products whose pairs are held in memory at once."""

_SMOOTHING = 0.75
_LENGTH = 0.5


def word_vectors(
    texts: Sequence[Text], vocabulary: Sequence[str], dimensions: int, seed: int
) -> np.ndarray:
    """Float32 [vocabulary + 2, dimensions], each of length 0.5; 0 for padding and unknown words.

    Singular vectors of the positive pointwise mutual information of words and their neighbours,
    with smoothed context frequencies (Levy, Goldberg and Dagan, 2015, "Improving Distributional
    Similarity with Lessons Learned from Word Embeddings").
    """
    size = len(vocabulary) + 2
    numbers = {word: number for number, word in enumerate(vocabulary, start=2)}
    counts = csr_array((size, size))
    for start in range(0, len(texts), _CHUNK):
        counts = counts + _pairs(texts[start : start + _CHUNK], numbers, size)
    frequency = np.asarray(counts.sum(axis=1)).ravel()
    context = frequency**_SMOOTHING
    context /= max(context.sum(), 1e-12)
    pairs = counts.tocoo()
    row, column = pairs.coords
    information = np.log(pairs.data / (frequency[row] * context[column]))
    positive = information > 0
    matrix = csr_array((information[positive], (row[positive], column[positive])), (size, size))
    left, values, _ = randomized_svd(
        matrix, min(dimensions, size - 1), random_state=seed, flip_sign=True
    )
    vectors = np.zeros((size, dimensions))
    vectors[:, : len(values)] = left * np.sqrt(values)
    vectors *= _LENGTH / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return vectors.astype(np.float32)


def _pairs(texts: Sequence[Text], numbers: dict[str, int], size: int) -> csr_array:
    """How often each word stands beside each other word."""
    here, there, weight = [np.zeros(0, int)], [np.zeros(0, int)], [np.zeros(0)]
    for field in (field for text in texts for field in text):
        line = np.array([numbers[word] for word in words(field)[:_READ] if word in numbers], int)
        for distance in range(1, min(_WINDOW, len(line) - 1) + 1):
            before, after = line[:-distance], line[distance:]
            here += [before, after]
            there += [after, before]
            weight.append(np.full(2 * len(before), 1 / distance))
    places = np.concatenate(here), np.concatenate(there)
    return coo_array((np.concatenate(weight), places), (size, size)).tocsr()
