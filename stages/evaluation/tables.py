"""The tables of `metrics/evaluation`, as they are read again."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def read_table(path: Path) -> pd.DataFrame:
    """One of them; codes are texts, whatever they look like."""
    texts = dict.fromkeys(("code", "actual", "predicted"), "str")
    return pd.read_csv(path, dtype=texts, keep_default_na=False)
