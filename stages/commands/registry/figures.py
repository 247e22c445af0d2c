"""A result's figures by name: parameters, metrics, curves."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Point = tuple[str, float, int]
"""A metric: its name, its value, its step."""

_TOP = "evaluation"
"""The file whose figures stand without its name before them."""


def flat(tree: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a tree by dotted name, as DVC names them."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def parameters(folder: Path) -> dict[str, str]:
    """params.yaml by dotted names."""
    stored = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    return {key: str(value) for key, value in flat(stored)}


def model_type(parameters: dict[str, str]) -> str:
    """The branches by the names people give them, such as VGG16+LSTM."""
    kinds = (parameters.get("image.model", "none"), parameters.get("text.model", "none"))
    return "+".join(kind.upper() for kind in kinds if kind != "none")


def metrics(folder: Path) -> list[Point]:
    """The figures of metrics/*.json, and of each branch with its curves; what is no finite number
    is left out."""
    found: list[Point] = []
    for path in sorted((folder / "metrics").glob("*.json")):
        before = "" if path.stem == _TOP else f"{path.stem}."
        found += _numbers(path, before)
    for path in sorted((folder / "metrics").glob("train_*/metrics.json")):
        found += _numbers(path, f"{path.parent.name}.")
    for path in sorted((folder / "metrics").glob("train_*/plots/metrics/*/*.tsv")):
        found += _curve(path)
    return found


def _numbers(path: Path, before: str) -> Iterator[Point]:
    stored = json.loads(path.read_text(encoding="utf-8"))
    for key, value in flat(stored, before):
        if isinstance(value, int | float) and math.isfinite(value):
            yield key, float(value), 0


def _curve(path: Path) -> Iterator[Point]:
    """DVCLive's table of one metric: metrics/train_image/plots/metrics/train/loss.tsv."""
    branch, part = path.parents[3].name, path.parent.name
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            value = float(row[path.stem])
            if math.isfinite(value):
                yield f"curves/{branch}/{part}/{path.stem}", value, int(row["step"])
