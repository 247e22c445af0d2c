"""Training that diverges: told in words, and nothing is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

# In a process of its own: TensorFlow can be set up only once in each.
PROGRAM = """
import sys

import numpy as np
from dvclive import Live

from stages.common.keras_setup import keras, set_up
from stages.common.settings import Train
from stages.training.branch import (
    DivergedError,
    Examples,
    by_descent,
    by_solving,
    plain,
    train_branch,
)

broken, way = float(sys.argv[1]), sys.argv[2]
set_up(1, 1)
features = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
features[:, 3] = broken
examples = Examples(
    take=lambda rows: {"features": features[rows]},
    rows=np.arange(60),
    labels=np.arange(60) % 3,
    groups=np.arange(60),
    validation=np.arange(60) >= 45,
)
train = Train(epochs=3, patience=2, batch_size=8, class_weight=0.0, seed=1, threads=1)


def build():
    given = keras.Input((4,), name="features")
    return keras.Model({"features": given}, keras.layers.Dense(3)(given))


live = Live(sys.argv[3], dvcyaml=None, save_dvc_exp=False)
if way == "descent":
    weights = np.ones(3, np.float32)
    fit = by_descent(build, examples, weights, train, plain(0.01), live)
else:
    fit = by_solving(lambda rows: build(), examples, live)
try:
    train_branch(fit, examples, 3, train, train.epochs, 1)
except DivergedError as error:
    print(f"told: {error}")
else:
    print("kept")
"""


@pytest.mark.parametrize(
    ("value", "way", "words"),
    [
        ("nan", "descent", "loss is nan in epoch 1: training diverged and no model is kept"),
        ("inf", "descent", "lower the branch's learning_rate"),
        ("nan", "solving", "answers with what is no number; no model is kept"),
        ("1", "descent", "kept"),
        ("1", "solving", "kept"),
    ],
)
def test_what_is_no_number_stops_training(value: str, way: str, words: str, tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", PROGRAM, value, way, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [last] = [line for line in done.stdout.splitlines() if line.startswith(("told", "kept"))]
    assert words in last
    assert last.startswith("told: ") is (value != "1")
