"""What a run made, printed by `make repro`: metrics as a table, and where the outputs lie.

Also writes metrics/environment.json: the machine, its libraries, and how fast it answers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stages.commands.results.machine import environment
from stages.common.output import write_json
from stages.evaluation.scores import INTERVAL

METRICS = Path("metrics")
ROWS = {
    "all products": (),
    "text alone": ("text_only",),
    "picture alone": ("image_only",),
    "both": ("both",),
}
COLUMNS = ("products", "accuracy", "weighted_f1", "macro_f1", "calibration_error")
OUTPUTS = {
    "classifier": "models/classifier",
    "predictions": "data/predictions/predictions.csv",
    "metrics": "metrics (make metrics; make plots)",
    "environment": "metrics/environment.json",
}


def summary(evaluation: dict[str, Any], speed: dict[str, Any]) -> str:
    """The table, a line for each group of test products, and a line on acceptance and speed."""
    lines = [f"{'test products':<14}" + "".join(f"{name:>19}" for name in COLUMNS)]
    for title, keys in ROWS.items():
        figures = evaluation
        for key in keys:
            figures = figures[key]
        lines.append(f"{title:<14}" + "".join(_cell(figures.get(name)) for name in COLUMNS))
    accepted = evaluation["accepted"]
    lines += [
        "",
        f"accepted without review: {accepted['coverage']:.1%} of the products, "
        f"{_share(accepted['precision'])} of them right ({accepted['asked_precision']:.0%} asked)"
        f"{_interval(accepted)}",
        f"one product: {_seconds(speed)}",
        "",
        *(f"{name:<12} {place}" for name, place in OUTPUTS.items()),
    ]
    return "\n".join(lines)


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


def _cell(value: float | None) -> str:
    if value is None:
        return f"{'–':>19}"
    return f"{value:>19,}" if isinstance(value, int) else f"{value:>19.3f}"


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.1%}"


if __name__ == "__main__":
    about = environment()
    write_json(METRICS / "environment.json", about)
    print(
        summary(
            json.loads((METRICS / "evaluation.json").read_text(encoding="utf-8")),
            about["speed"],
        )
    )
