"""Confusion, reliability and coverage of a result as pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

_INCHES, _DOTS = (7.0, 6.0), 110


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
            drawing(figure, pd.read_csv(table))
            figure.savefig(destination / f"{name}.png")


def _confusion(figure: Figure, table: pd.DataFrame) -> None:
    """Shares of each actual code."""
    codes = sorted(
        set(table["actual"]) | set(table["predicted"]), key=lambda name: int(name.split()[0])
    )
    counts = pd.crosstab(table["actual"], table["predicted"]).reindex(
        index=codes, columns=codes, fill_value=0
    )
    shares = counts.to_numpy() / np.maximum(counts.to_numpy().sum(axis=1, keepdims=True), 1)
    axes = figure.subplots()
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    numbers = [name.split()[0] for name in codes]
    axes.set_xticks(range(len(codes)), numbers, rotation=90, fontsize=7)
    axes.set_yticks(range(len(codes)), numbers, fontsize=7)
    axes.set(xlabel="predicted code", ylabel="actual code", title="Confusion")
    figure.colorbar(picture, label="share of the actual code")


def _reliability(figure: Figure, table: pd.DataFrame) -> None:
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--")
    axes.scatter(table["confidence"], table["accuracy"], s=20 + 800 * table["share"], alpha=0.7)
    axes.set(xlabel="confidence", ylabel="accuracy", title="Reliability", xlim=(0, 1), ylim=(0, 1))


def _coverage(figure: Figure, table: pd.DataFrame) -> None:
    axes = figure.subplots()
    axes.plot(table["coverage"], table["precision"])
    axes.set(xlabel="coverage", ylabel="precision", title="Coverage against precision")
