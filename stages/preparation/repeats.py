"""An index that occurs twice in a table of any size, of which eight bytes a row are kept."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np
import pandas as pd

from stages.preparation.csv_table import CatalogueError

_SHOWN = 5


class Indices:
    """The hashes of a table's index: equal ones are a suspicion, which the table confirms."""

    def __init__(self) -> None:
        self._hashes = array("Q")

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, ids: Iterable[str]) -> None:
        """The index of further rows."""
        self._hashes.frombytes(_hashes(ids).tobytes())

    def require_unique(self, again: Iterable[pd.Series], name: str) -> None:
        """Read the table `again`, ids by their place in it, if a hash occurs twice.

        Raises CatalogueError when an id does; the table is called `name`.
        """
        ordered = np.sort(np.frombuffer(self._hashes, np.uint64))
        suspected = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        if not len(suspected):
            return
        first: dict[str, int] = {}
        repeats: list[str] = []
        for ids in again:
            unit = ids.index.name
            for place, value in ids[np.isin(_hashes(ids), suspected)].items():
                if value in first:
                    repeats.append(
                        f"{unit} {place}: id {value}: duplicate id, first in {unit} {first[value]}"
                    )
                first.setdefault(value, place)
            if len(repeats) >= _SHOWN:
                break
        if repeats:
            raise CatalogueError(f"{name}: {'; '.join(repeats[:_SHOWN])}")


def _hashes(ids: Iterable[str]) -> np.ndarray:
    return pd.util.hash_array(np.array(list(ids), object), categorize=False)
