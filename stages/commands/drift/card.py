"""The drift card: recorded answers against the reference of their classifier, feature by feature.

Markdown, and a plot of each feature that was compared in a folder beside it.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from serving.classifier.record import Record
from serving.classifier.reference import LEAST, Feature, Reference, Value
from stages.commands.drift.answered_quality import Quality
from stages.commands.drift.reviewed_quality import CODE_COLUMNS, Reviewed
from stages.common.markdown import plain, table

_INCHES, _DOTS = (8.0, 3.0), 110


@dataclass(frozen=True)
class Finding:
    """A feature of `products`, its distance from the reference and its threshold; NaN where too few
    products have it."""

    feature: str
    products: int
    distance: float
    threshold: float

    @property
    def compared(self) -> bool:
        """Whether there are enough products."""
        return not math.isnan(self.distance)

    @property
    def drifted(self) -> bool:
        """Whether the distance is more than chance and what is tolerated explain."""
        return self.distance > self.threshold

    @property
    def row(self) -> tuple[str, str, str, str, str]:
        """Feature, products, distance, threshold and verdict in words."""
        if not self.compared:
            return self.feature, str(self.products), "", "", f"fewer than {LEAST} products"
        numbers = f"{self.distance:.3f}", f"{self.threshold:.3f}"
        return self.feature, str(self.products), *numbers, "DRIFT" if self.drifted else "none"


COLUMNS = ("feature", "products", "distance", "threshold", "drift")
"""What the parts of a row are."""


def values(records: Sequence[Record], feature: str) -> list[Value]:
    """What the answers that have a feature have of it."""
    return [record.features[feature] for record in records if feature in record.features]


def findings(records: Sequence[Record], reference: Reference, tolerated: float) -> list[Finding]:
    """Every feature of the reference, the furthest over its threshold first."""
    compared = []
    for name, feature in reference.features.items():
        bins = [feature.bin(value) for value in values(records, name)]
        counts = [bins.count(number) for number in range(len(feature.counts))]
        threshold = reference.threshold(name, len(bins), tolerated)
        compared.append(Finding(name, len(bins), feature.distance(counts), threshold))
    return sorted(
        compared, key=lambda item: -item.distance / item.threshold if item.compared else 1
    )


def write(
    path: Path,
    title: str,
    reference: Reference,
    records: Sequence[Record],
    drifts: Sequence[Finding],
    quality: Quality | None,
    reviewed: Reviewed | None = None,
) -> None:
    """Write the card: all findings, with labels and with reviews the quality, and each feature's
    distributions."""
    plots = path.with_name(f"{path.stem}_plots")
    shutil.rmtree(plots, ignore_errors=True)
    plots.mkdir()
    drifted = sum(finding.drifted for finding in drifts)
    lines = ["# Drift", "", title + ".", "", f"Features that drifted: {drifted}.", ""]
    lines += [table(COLUMNS, [finding.row for finding in drifts], left=len(COLUMNS)), ""]
    if quality is not None:
        lines += ["## Measured quality of what was answered", ""]
        lines += [table(("figure", "measured"), quality.rows, left=2), ""]
    if reviewed is not None:
        lines += ["## Precision of accepted answers, by a reviewed sample of them", ""]
        lines += [table(("figure", "measured"), reviewed.rows, left=2), ""]
        codes = [(plain(code), *figures) for code, *figures in reviewed.code_rows]
        lines += [table(CODE_COLUMNS, codes), ""]
    lines += ["## Distributions", "", "Shares of held-out products and of the latest answers.", ""]
    for finding in drifts:
        if finding.compared:
            name, feature = finding.feature, reference.features[finding.feature]
            _draw(plots / f"{name}.png", feature, values(records, name))
            mark = " (DRIFT)" if finding.drifted else ""
            lines += [
                f"### {name}: {finding.distance:.3f}, threshold {finding.threshold:.3f}{mark}"
            ]
            lines += ["", f"![Shares of {name}]({plots.name}/{name}.png)", ""]
    path.write_text("\n".join(lines), encoding="utf-8")


def _draw(path: Path, feature: Feature, answers: Sequence[str | float]) -> None:
    """Shares of both sides, bin by bin: the bins of the service."""
    bins = [feature.bin(value) for value in answers]
    latest = np.bincount(bins, minlength=len(feature.counts))
    figure = Figure(_INCHES, dpi=_DOTS, layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(feature.counts))
    sides = (("held-out products", feature.counts, -0.2), ("latest answers", latest, 0.2))
    for label, counts, shift in sides:
        axes.bar(places + shift, np.asarray(counts) / np.sum(counts), 0.4, label=label)
    axes.set_xticks(places, feature.names, rotation=45, ha="right", fontsize=7)
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.legend()
    figure.savefig(path)
