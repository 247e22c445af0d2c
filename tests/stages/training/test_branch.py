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
from stages.training.branch import DivergedError, Examples
from stages.training.descent import Descent, plain
from stages.training.out_of_fold import train_branch
from stages.training.solution import Solution

broken, way = float(sys.argv[1]), sys.argv[2]
set_up(1, 1)
features = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
features[:, 3] = broken


class Small:
    def encode(self, rows):
        return {"features": features[rows]}

    def build(self):
        given = keras.Input((4,), name="features")
        return keras.Model({"features": given}, keras.layers.Dense(27)(given))


class Descending(Small, Descent):
    def recipe(self, steps):
        return plain(0.01)


class Solved(Small, Solution):
    def solve(self, rows):
        return self.build()


examples = Examples(
    rows=np.arange(60),
    labels=np.arange(60) % 3,
    groups=np.arange(60),
    validation=np.arange(60) >= 45,
)
train = Train(epochs=3, patience=2, batch_size=8, class_weight=0.0, seed=1, threads=1)
branch = (Descending if way == "descent" else Solved)(train, examples, folds=1)
try:
    train_branch(branch, Live(sys.argv[3], dvcyaml=None, save_dvc_exp=False))
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
