"""The pictures of the data card, equal to the byte for equal figures.

Nothing of the surroundings is drawn: not a person's style of matplotlib, nor fonts other than its
own; and the compression of a PNG is one that has a single result.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import rcParams, style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from serving.listing.labels import Labels, described
from stages.exploration.tables import LABELLED

_DOTS = 100
_BINS = 30
_LONGEST = 50  # characters of a name
_TEXTS = {
    "in_designation": "characters of a designation",
    "in_description": "characters of a description",
}

_TICKS = [digit * 10**power for power in range(6) for digit in (1, 2, 5)]

Named = Mapping[str, pd.DataFrame]
"""Products, or pictures, under what they are called in the legend."""


def draw_codes(counts: pd.DataFrame, labels: Labels, path: Path) -> None:
    """Products of each code (index) by part (columns), as bars."""

    def drawing(figure: Figure) -> None:
        axes = figure.subplots()
        names = [_name(described(code, labels[code])) for code in counts.index.tolist()]
        before = np.zeros(len(counts))
        for part in LABELLED:
            axes.barh(names, counts[part], left=before, label=part)
            before += counts[part].to_numpy()
        for row, total in enumerate(before):
            axes.text(total, row, f" {int(total):,}", va="center", fontsize=8)
        axes.invert_yaxis()
        axes.margins(x=0.08, y=0.01)
        axes.set(xlabel="labelled products")
        axes.legend(loc="lower right")

    _save(drawing, (8.0, max(7.5, len(counts) / 4)), path)


def _name(words: str) -> str:
    """Short enough for a label, and as it is written: a pair of $ would be mathematics."""
    short = words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"
    return short.replace("$", r"\$")


def draw_texts(products: Named, path: Path) -> None:
    """How long the texts are, of those that there are."""

    def drawing(figure: Figure) -> None:
        for axes, (column, label) in zip(figure.subplots(1, 2), _TEXTS.items(), strict=True):
            lengths = {name: part[column][part[column] > 0] for name, part in products.items()}
            _histograms(axes, lengths, _growing(pd.concat(lengths.values())))
            axes.set_xscale("log")
            axes.xaxis.set_minor_formatter(NullFormatter())
            ticks = [tick for tick in _TICKS if axes.get_xlim()[0] <= tick <= axes.get_xlim()[1]]
            axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
            axes.set(xlabel=label, ylabel="share of those that have one")

    _save(drawing, (10.0, 4.0), path)


def _growing(lengths: pd.Series) -> np.ndarray:
    """Whole edges around all `lengths`, each about a quarter above the one before."""
    edges = [int(lengths.min()) if len(lengths) else 1]
    while edges[-1] <= (lengths.max() if len(lengths) else 1):
        edges.append(max(edges[-1] + 1, edges[-1] * 5 // 4))
    return np.array(edges)


def draw_pictures(pictures: Named, path: Path) -> None:
    """How large and how bright the pictures are."""

    def drawing(figure: Figure) -> None:
        size, light = figure.subplots(1, 2)
        sides = {name: seen[["width", "height"]].max(axis=1) for name, seen in pictures.items()}
        longest = max((int(side.max()) for side in sides.values() if len(side)), default=1)
        width = -(-(longest + 1) // _BINS)
        _histograms(size, sides, np.arange(_BINS + 1) * width)
        size.set(xlabel="longer side, pixels", ylabel="share of the pictures")
        brightness = {name: seen["brightness"] for name, seen in pictures.items()}
        _histograms(light, brightness, np.arange(_BINS + 1) / _BINS)
        light.set(xlabel="brightness, 0 black to 1 white", ylabel="share of the pictures")

    _save(drawing, (10.0, 4.0), path)


def _histograms(axes: Axes, values: Mapping[str, pd.Series], edges: np.ndarray) -> None:
    for name, numbers in values.items():
        if len(numbers):
            counts, _ = np.histogram(numbers, edges)
            axes.stairs(
                counts / len(numbers), edges, label=f"{name} ({len(numbers):,})", linewidth=1.5
            )
    if any(map(len, values.values())):
        axes.legend()


def _save(drawing: Callable[[Figure], None], inches: tuple[float, float], path: Path) -> None:
    with style.context("default"):
        rcParams["font.family"] = "DejaVu Sans"  # matplotlib's own
        figure = Figure(inches, dpi=_DOTS, layout="constrained")
        drawing(figure)
        # zlib's variants for other processors agree on runs, not on longer matches.
        packing = {"compress_type": zlib.Z_RLE}
        figure.savefig(path, format="png", metadata={"Software": None}, pil_kwargs=packing)
