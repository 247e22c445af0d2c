"""The report of drift: a page of Evidently's that needs nothing from elsewhere.

Evidently's own methods bin anew and know no tolerance; here each feature has the bins, the distance
and the threshold of the service.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from serving.classifier.record import Record
from serving.classifier.reference import Reference
from stages.commands.drift.answered_quality import Quality
from stages.commands.drift.evidently_setup import (
    DataDefinition,
    Dataset,
    Report,
    SingleValue,
    SingleValueCalculation,
    SingleValueMetric,
    plotly_figure,
    table_data,
)
from stages.commands.drift.findings import COLUMNS, Finding, values


class Overview(SingleValueMetric):
    """How many features drifted, with all findings in words."""

    title: str
    drifted: int
    rows: list[list[str]]


class OverviewCalculation(SingleValueCalculation[Overview]):
    """A table."""

    def calculate(self, context: Any, current_data: Any, reference_data: Any) -> SingleValue:
        """See SingleValueCalculation."""
        result = self.result(self.metric.drifted)
        result.widget = [
            table_data(title=self.metric.title, column_names=COLUMNS, data=self.metric.rows)
        ]
        return result

    def display_name(self) -> str:
        """See SingleValueCalculation."""
        return "Features that drifted"


class MeasuredQuality(SingleValueMetric):
    """Share of right answers, with all that labels tell, in words."""

    accuracy: float
    told: list[list[str]]


class MeasuredQualityCalculation(SingleValueCalculation[MeasuredQuality]):
    """A table."""

    def calculate(self, context: Any, current_data: Any, reference_data: Any) -> SingleValue:
        """See SingleValueCalculation."""
        result = self.result(self.metric.accuracy)
        title, names = "Measured quality of what was answered", ("figure", "measured")
        result.widget = [table_data(title=title, column_names=names, data=self.metric.told)]
        return result

    def display_name(self) -> str:
        """See SingleValueCalculation."""
        return "Share of right answers"


class BinnedDrift(SingleValueMetric):
    """The distance of a feature, whose bins are called `bins`, in their order."""

    column: str
    bins: list[str]
    distance: float
    title: str


class BinnedDriftCalculation(SingleValueCalculation[BinnedDrift]):
    """Shares of both sides, bin by bin."""

    def calculate(self, context: Any, current_data: Any, reference_data: Any) -> SingleValue:
        """See SingleValueCalculation."""
        figure = go.Figure(layout={"legend": {"orientation": "h"}})
        sides = (
            ("held-out products", reference_data, "#9aa0a6"),
            ("latest answers", current_data, "#d93025"),
        )
        for name, dataset, colour in sides:
            shares = dataset.column(self.metric.column).data.value_counts(normalize=True)
            heights = shares.reindex(self.metric.bins, fill_value=0.0).tolist()
            figure.add_bar(name=name, x=self.metric.bins, y=heights, marker_color=colour)
        figure.update_layout(yaxis_tickformat=".0%", xaxis_type="category")
        result = self.result(self.metric.distance)
        result.widget = [plotly_figure(title=self.metric.title, figure=figure)]
        return result

    def display_name(self) -> str:
        """See SingleValueCalculation."""
        return self.metric.title


def write(
    path: Path,
    title: str,
    reference: Reference,
    records: Sequence[Record],
    found: Sequence[Finding],
    quality: Quality | None,
) -> None:
    """Write the page: all findings, with labels the quality, and each feature that was compared."""
    compared = [each.feature for each in found if each.compared]
    metrics: list[SingleValueMetric] = [
        Overview(
            title=title,
            drifted=sum(each.drifted for each in found),
            rows=[list(each.row) for each in found],
        )
    ]
    if quality is not None:
        metrics.append(
            MeasuredQuality(
                accuracy=quality.all.right / quality.all.products,
                told=[list(pair) for pair in quality.told],
            )
        )
    metrics += [
        BinnedDrift(
            column=each.feature,
            bins=list(reference.features[each.feature].names),
            distance=each.distance,
            title=f"{each.feature}: {each.distance:.3f}, threshold {each.threshold:.3f}"
            + (" (DRIFT)" if each.drifted else ""),
        )
        for each in found
        if each.compared
    ]
    definition = DataDefinition(categorical_columns=compared)
    now = {name: _named(reference, name, _bins(reference, records, name)) for name in compared}
    then = {name: _named(reference, name, _held_out(reference, name)) for name in compared}
    now_and_then = [
        Dataset.from_pandas(pd.DataFrame(side), data_definition=definition) for side in (now, then)
    ]
    Report(metrics).run(*now_and_then).save_html(str(path))


def _bins(reference: Reference, records: Sequence[Record], feature: str) -> list[int]:
    """The bin of each answer that has the feature."""
    return [reference.features[feature].bin(value) for value in values(records, feature)]


def _held_out(reference: Reference, feature: str) -> list[int]:
    """The bin of each held-out product that has the feature."""
    counts = reference.features[feature].counts
    return [number for number, count in enumerate(counts) for _ in range(count)]


def _named(reference: Reference, feature: str, bins: Sequence[int]) -> pd.Series:
    """As the names of the bins; features have unequal numbers of products, so columns have gaps."""
    names = reference.features[feature].names
    return pd.Series([names[number] for number in bins], dtype=object)
