"""The rows of a comparison, and the Markdown table of one or several splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.evaluation.scores import coverage_at, scores

FIGURES = ("accuracy", "weighted_f1", "macro_f1", "calibration_error", "coverage")
HEAD = (
    "| model | rows | accuracy | weighted F1 | macro F1 | calibration error | coverage at 95 % "
    "| seconds to train |\n|---|---|---|---|---|---|---|---|"
)
NOTHING = "–"


@dataclass(frozen=True)
class Row:
    """What a model reached on the test products of one split.

    `on` says which of them ("with text"), `products` how many. `figures` holds those of FIGURES
    that the model has; `seconds` of training, where the row is not a part of another one.
    """

    model: str
    on: str
    products: int
    figures: dict[str, float]
    seconds: float | None


def measured(
    model: str, on: str, p: np.ndarray, labels: np.ndarray, seconds: float, bins: int
) -> Row:
    """The row of probabilities [n, codes]."""
    figures: dict[str, Any] = scores(p, labels, bins)
    figures["coverage"] = coverage_at(p.max(axis=1), p.argmax(axis=1) == labels, 0.95)
    return Row(model, on, len(labels), {name: figures[name] for name in FIGURES}, seconds)


def decided(
    model: str, on: str, found: np.ndarray, labels: np.ndarray, codes: int, seconds: float
) -> Row:
    """The row of answers without probabilities, columns [n]."""
    figures = scores(np.eye(codes)[found], labels, bins=1)
    return Row(model, on, len(labels), {name: figures[name] for name in FIGURES[:3]}, seconds)


def markdown(rows: Sequence[Row]) -> str:
    """The table; rows of one model on the same kind of products, one a split, become one line
    with mean and standard deviation."""
    lines: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        lines.setdefault((row.model, row.on), []).append(row)
    return "\n".join([HEAD, *(_line(model, on, of) for (model, on), of in lines.items())])


def _line(model: str, on: str, rows: list[Row]) -> str:
    figures = [
        spread([row.figures[name] for row in rows if name in row.figures], 3) for name in FIGURES
    ]
    seconds = spread([row.seconds for row in rows if row.seconds is not None], 0)
    products = round(float(np.mean([row.products for row in rows])))
    return "| " + " | ".join([model, f"{products} {on}", *figures, seconds]) + " |"


def spread(values: Sequence[float], digits: int) -> str:
    """The mean, with the standard deviation (n - 1) when there are several values."""
    if not values:
        return NOTHING
    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.{digits}f}"
