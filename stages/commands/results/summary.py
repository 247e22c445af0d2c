"""What a run made: its metrics as a table, and where the outputs lie.

`make repro` ends with it. It also writes metrics/environment.json: the machine, its libraries, and
how fast it answers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stages.commands.console import table_lines
from stages.commands.results.machine import environment
from stages.common.markdown import figure
from stages.common.output import write_json
from stages.evaluation.scores import INTERVAL

METRICS = Path("metrics")
GROUPS = {"text alone": "text_only", "picture alone": "image_only", "both": "both"}
COLUMNS = ("products", "accuracy", "weighted_f1", "macro_f1", "calibration_error")
OUTPUTS = {
    "classifier": "models/classifier",
    "predictions": "data/predictions/predictions.csv",
    "metrics": "metrics (make metrics; make plots)",
    "environment": "metrics/environment.json",
}


def lines(evaluation: dict[str, Any], speed: dict[str, Any]) -> list[str]:
    """The table, a line for each group of test products, and lines on acceptance and speed."""
    groups = {"all products": evaluation} | {
        title: evaluation[key] for title, key in GROUPS.items()
    }
    rows = [
        (title, *(figure(figures.get(name)) for name in COLUMNS))
        for title, figures in groups.items()
    ]
    accepted = evaluation["accepted"]
    return [
        *table_lines(rows, ("test products", *COLUMNS), figures=True),
        "",
        f"accepted without review: {accepted['coverage']:.1%} of the products, "
        f"{_share(accepted['precision'])} of them right ({accepted['asked_precision']:.0%} asked)"
        f"{_interval(accepted)}",
        f"one product: {_seconds(speed)}",
        "",
        *table_lines(list(OUTPUTS.items())),
    ]


def _interval(accepted: dict[str, Any]) -> str:
    if not accepted["accepted"]:
        return ""
    return (
        f": {accepted['accepted_right']} of {accepted['accepted']}, {INTERVAL:.0%} interval "
        f"{accepted['low']:.1%} to {accepted['high']:.1%}"
    )


def _seconds(speed: dict[str, Any]) -> str:
    if "not_measured" in speed:
        return f"not timed ({speed['not_measured']})"
    median, slow = (1000 * speed[name] for name in ("seconds_p50", "seconds_p99"))
    return f"{median:.1f} ms median, {slow:.1f} ms at the 99th percentile"


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.1%}"


def summary() -> None:
    """Print the metrics and places of the last run, and note the machine that it ran on."""
    machine = environment()
    write_json(METRICS / "environment.json", machine)
    evaluation = json.loads((METRICS / "evaluation.json").read_text(encoding="utf-8"))
    print(*lines(evaluation, machine["speed"]), sep="\n")
