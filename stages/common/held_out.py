"""What a branch says of products it was not trained on: all that fusion learns from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.common.products import storable


@dataclass(frozen=True)
class HeldOut:
    """Logits, float32 [n, codes], for the products with ids `rows`, given by models that had not
    seen them; `visible` are the ids of all training products that the branch can see, held out or
    not, [m]: what a product has does not depend on which products were held out."""

    rows: np.ndarray
    logits: np.ndarray
    visible: np.ndarray

    def write(self, path: Path) -> None:
        """As .npz; byte-identical for equal arrays."""
        rows, visible = storable(self.rows), storable(self.visible)
        np.savez(path, rows=rows, logits=self.logits, visible=visible)

    @classmethod
    def read(cls, path: Path) -> HeldOut:
        """The inverse of `write`."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(stored["rows"], stored["logits"], stored["visible"])

    @classmethod
    def none(cls, codes: int) -> HeldOut:
        """What a branch that is switched off has to say of so many codes."""
        nothing = np.zeros(0, np.int64)
        return cls(nothing, np.zeros((0, codes), np.float32), nothing)
