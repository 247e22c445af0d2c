"""Evidently, as it can be imported beside this pandas."""

from __future__ import annotations

import warnings

import pandas.core.dtypes.common as pandas_types

# Evidently 0.7.23 imports it for a test that nothing here uses; pandas 3.1 no longer has it.
if not hasattr(pandas_types, "infer_dtype_from_object"):
    pandas_types.infer_dtype_from_object = None

with warnings.catch_warnings():  # what it imports sets options that pandas calls deprecated
    warnings.simplefilter("ignore")
    from evidently import DataDefinition, Dataset, Report
    from evidently.core.metric_types import SingleValue, SingleValueCalculation, SingleValueMetric
    from evidently.legacy.renderers.html_widgets import plotly_figure, table_data

__all__ = [
    "DataDefinition",
    "Dataset",
    "Report",
    "SingleValue",
    "SingleValueCalculation",
    "SingleValueMetric",
    "plotly_figure",
    "table_data",
]
