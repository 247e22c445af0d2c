"""What belongs to the machine and the moment, not to the result: processor, libraries, seconds.

`make repro` writes it to metrics/environment.json after the pipeline. The file is in .gitignore and
is no output of a stage: in either place it would make equal results look different.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from typing import Any

import numpy as np

from serving.classifier.classifier import Classifier
from stages.common.paths import ARCHIVE, CLASSIFIER
from stages.common.processor import CPUINFO
from stages.common.products import read_part
from stages.evaluation.answers import product
from stages.pictures.archive import PictureArchive

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
    """All of it."""
    return {
        "processor": processor(),
        "versions": versions(),
        "system": platform.platform(),
        "speed": speed(),
    }
