"""What codes stand under: how sure an answer is of each level, and at which it may stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from serving.listing.labels import Code, Labels


@dataclass(frozen=True)
class Level:
    """An answer at one level: what stands there, the probability that the product belongs under it,
    and whether the answer may stand so far without a person looking at it."""

    code: Code
    label: str
    confidence: float
    accepted: bool


@dataclass(frozen=True)
class Levels:
    """The levels of a taxonomy above its codes, the most general first.

    `nodes` are numbers of what stands there above each column, int [levels, codes], -1 where the
    column's code has nothing so deep above it; `names` are code and label by that number. A code
    under which others stand, and which products have all the same, is under itself.
    """

    nodes: np.ndarray
    names: tuple[tuple[Code, str], ...]

    @classmethod
    def of(cls, labels: Labels) -> Levels:
        """Of the codes in the order of their columns."""
        deepest = max((len(label.parents) for label in labels.values()), default=0)
        numbers: dict[tuple[Code, str], int] = {}
        nodes = np.full((deepest, len(labels)), -1)
        for column, label in enumerate(labels.values()):
            for level, node in enumerate(label.parents):
                nodes[level, column] = numbers.setdefault((node.code, node.name), len(numbers))
        for column, (code, label) in enumerate(labels.items()):
            if (own := (code, label.name)) in numbers:
                nodes[len(label.parents), column] = numbers[own]
        return cls(nodes, tuple(numbers))

    def __len__(self) -> int:
        return len(self.nodes)

    def at(self, level: int, columns: np.ndarray) -> np.ndarray:
        """What codes are at a level, int [n] of columns [n]: equal for those under one node; each
        by itself where nothing stands above it there."""
        nodes = self.nodes[level][columns]
        return np.where(nodes >= 0, nodes, len(self.names) + columns)

    def confidence(self, p: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """The probability of what stands above the answers `columns` [n] at each level, float
        [levels, n]: the sum of those of all codes under it, of `p` [n, codes]. -1 where nothing
        does."""
        sums = np.full((len(self), len(p)), -1.0)
        for level, nodes in enumerate(self.nodes):
            above = nodes[columns]
            for node in np.unique(above[above >= 0]):
                rows = above == node
                sums[level, rows] = p[np.ix_(rows, nodes == node)].sum(axis=1)
        return sums


def standing(confidence: np.ndarray, accepted: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Bool [levels, n]: where answers may stand. What is accepted stands at all levels above it.

    `confidence` [levels, n] as `Levels.confidence` gives it, `accepted` bool [n] says which answers
    stand as they are; `least` [levels, n] is the confidence from which on others stand there.
    """
    stands = np.zeros(confidence.shape, bool)
    for level in reversed(range(len(confidence))):
        accepted = accepted | (confidence[level] >= least[level])
        stands[level] = accepted
    return stands
