"""Confusion, reliability and coverage of a result as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.evaluation.tables import read_table

SHOWN = 60
"""Codes that are drawn each by itself."""
OTHERS = "other codes"

_INCHES, _DOTS = (7.0, 6.0), 110
_LONGEST = 20  # characters of a code that is a text


def draw(evaluation: Path, destination: Path) -> None:
    """Draw what there is of `evaluation` (metrics/evaluation) as PNG files in `destination`."""
    destination.mkdir(parents=True, exist_ok=True)
    for name, drawing in (
        ("confusion", _confusion),
        ("reliability", _reliability),
        ("coverage", _coverage),
    ):
        table = evaluation / f"{name}.csv"
        if table.is_file():
            figure = Figure(_INCHES, dpi=_DOTS, layout="constrained")
            drawing(figure, read_table(table))
            figure.savefig(destination / f"{name}.png")


def _confusion(figure: Figure, table: pd.DataFrame) -> None:
    """Shares of each actual code; of many codes, of those that are most frequent."""
    pairs = table[["actual", "predicted"]]
    frequent = pairs.stack().value_counts().index[:SHOWN]
    pairs = pairs.where(pairs.isin(frequent), OTHERS)
    codes = sorted(set(pairs.stack()), key=_place)
    counts = pd.crosstab(pairs["actual"], pairs["predicted"]).reindex(
        index=codes, columns=codes, fill_value=0
    )
    shares = counts.to_numpy() / np.maximum(counts.to_numpy().sum(axis=1, keepdims=True), 1)
    axes = figure.subplots()
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [_first(name) if _first(name).isdigit() else name[:_LONGEST] for name in codes]
    as_written: dict[str, Any] = {"fontsize": 7, "parse_math": False}
    axes.set_xticks(range(len(codes)), names, rotation=90, **as_written)
    axes.set_yticks(range(len(codes)), names, **as_written)
    axes.set(xlabel="predicted code", ylabel="actual code", title="Confusion")
    figure.colorbar(picture, label="share of the actual code")


def _first(name: str) -> str:
    return name.partition(" ")[0]


def _place(name: str) -> tuple[bool, int, str]:
    """Codes that are numbers stand in their order, all others in that of their letters, after them
    what is drawn together."""
    number = _first(name)
    return name == OTHERS, int(number) if number.isdigit() else 0, name


def _reliability(figure: Figure, table: pd.DataFrame) -> None:
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--")
    axes.scatter(table["confidence"], table["accuracy"], s=20 + 800 * table["share"], alpha=0.7)
    axes.set(xlabel="confidence", ylabel="accuracy", title="Reliability", xlim=(0, 1), ylim=(0, 1))


def _coverage(figure: Figure, table: pd.DataFrame) -> None:
    axes = figure.subplots()
    axes.plot(table["coverage"], table["precision"])
    axes.set(xlabel="coverage", ylabel="precision", title="Coverage against precision")
