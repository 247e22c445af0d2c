"""The drift card: Markdown, and a plot of each feature that was compared in a folder beside it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from serving.classifier.record import Record
from serving.classifier.reference import Feature, Reference
from stages.commands.drift.answered_quality import Quality
from stages.commands.drift.findings import COLUMNS, Finding, values

_INCHES, _DOTS = (8.0, 3.0), 110


def write(
    path: Path,
    title: str,
    reference: Reference,
    records: Sequence[Record],
    findings: Sequence[Finding],
    quality: Quality | None,
) -> None:
    """Write the card: all findings, with labels the quality, and each feature's distributions."""
    plots = path.with_name(f"{path.stem}_plots")
    shutil.rmtree(plots, ignore_errors=True)
    plots.mkdir()
    drifted = sum(finding.drifted for finding in findings)
    lines = ["# Drift", "", title + ".", "", f"Features that drifted: {drifted}.", ""]
    lines += _table(COLUMNS, [finding.row for finding in findings])
    if quality is not None:
        lines += ["## Measured quality of what was answered", ""]
        lines += _table(("figure", "measured"), quality.rows)
    lines += ["## Distributions", "", "Shares of held-out products and of the latest answers.", ""]
    for finding in findings:
        if finding.compared:
            name, feature = finding.feature, reference.features[finding.feature]
            _draw(plots / f"{name}.png", feature, values(records, name))
            mark = " (DRIFT)" if finding.drifted else ""
            lines += [
                f"### {name}: {finding.distance:.3f}, threshold {finding.threshold:.3f}{mark}"
            ]
            lines += ["", f"![Shares of {name}]({plots.name}/{name}.png)", ""]
    path.write_text("\n".join(lines), encoding="utf-8")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *rows)] + [""]


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
