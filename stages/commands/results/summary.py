"""What a run made: its metrics as a table, and where the outputs lie.

`make repro` ends with it. It also writes metrics/environment.json: the machine, its libraries, and
how fast it answers. That file is in .gitignore and is no output of a stage: in either place it
would make equal results look different.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import time
from typing import Any

import numpy as np

from serving.classifier.classifier import Classifier
from stages.commands.console import table_lines
from stages.common.markdown import figure
from stages.common.output import write_json
from stages.common.paths import ARCHIVE, CLASSIFIER, METRICS
from stages.common.processor import CPUINFO
from stages.common.products import read_part
from stages.evaluation.answers import product
from stages.evaluation.scores import INTERVAL
from stages.pictures.archive import PictureArchive

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


TIMED = 200
"""Test products answered one by one for the seconds a product takes."""

_LIBRARIES = (
    *("tensorflow", "keras", "onnx", "tf2onnx", "onnxruntime", "numpy", "scipy", "scikit-learn"),
    *("pandas", "pyarrow", "pillow", "dvc"),
)


def processor() -> dict[str, Any]:
    """Model and features of the first processor, and how many this process may use."""
    lines = CPUINFO.read_text().split("\n\n")[0].splitlines() if CPUINFO.exists() else []
    fields = {name.strip(): value.strip() for name, _, value in (s.partition(":") for s in lines)}
    return {
        "model": fields.get("model name", platform.processor()),
        "architecture": platform.machine(),
        "features": sorted((fields.get("flags") or fields.get("Features", "")).split()),
        "usable": len(os.sched_getaffinity(0)),
    }


def versions() -> dict[str, str]:
    """Python's and the libraries' versions that a result depends on."""
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _LIBRARIES},
    }


def seconds_per_product() -> dict[str, Any]:
    """Median and 99th percentile for one test product, decoding included."""
    products = read_part("test").head(TIMED)
    with PictureArchive(ARCHIVE) as archive, Classifier.load(CLASSIFIER) as classifier:
        seconds = []
        for row in products.itertuples():
            asked = product(row, archive)
            started = time.perf_counter()
            classifier.predict([asked])
            seconds.append(time.perf_counter() - started)
    return {
        "seconds_p50": float(np.percentile(seconds, 50)),
        "seconds_p99": float(np.percentile(seconds, 99)),
    }


def speed() -> dict[str, Any]:
    """Seconds for one product, or `not_measured`: why there are none."""
    try:
        return seconds_per_product()
    except Exception as error:  # whatever it is: the result is there, and stays a success
        return {"not_measured": f"{type(error).__name__}: {error}"}


def environment() -> dict[str, Any]:
    """What belongs to the machine and the moment, not to the result."""
    return {
        "processor": processor(),
        "versions": versions(),
        "system": platform.platform(),
        "speed": speed(),
    }


def summary() -> None:
    """Print the metrics and places of the last run, and note the machine that it ran on."""
    machine = environment()
    write_json(METRICS / "environment.json", machine)
    evaluation = json.loads((METRICS / "evaluation.json").read_text(encoding="utf-8"))
    print(*lines(evaluation, machine["speed"]), sep="\n")
