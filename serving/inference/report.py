"""What the pipeline measured of a classifier code by code, and its model card, for people."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

SCORES = Path("metrics/evaluation")
CARD = Path("metrics/model_card.md")

_CODES, _CONFUSED = "codes.csv", "confused.json"

IsMeasuredOf = Callable[[Path], bool]
"""Whether a file or folder is what a stage made of the classifier, as it is."""


def read_report(root: Path, is_of: IsMeasuredOf) -> dict[str, Any]:
    """`card` (Markdown), `codes` and `confused`, lists of rows; of these what is there and made of
    the classifier."""
    report: dict[str, Any] = {}
    if is_of(SCORES):
        with (root / SCORES / _CODES).open(encoding="utf-8", newline="") as file:
            report["codes"] = [_numbers(row) for row in csv.DictReader(file)]
        if (confused := root / SCORES / _CONFUSED).is_file():
            report["confused"] = json.loads(confused.read_text(encoding="utf-8"))
    if is_of(CARD):
        report["card"] = (root / CARD).read_text(encoding="utf-8")
    return report


def _numbers(row: dict[str, str]) -> dict[str, Any]:
    return {name: text if name == "code" else float(text) for name, text in row.items()}
