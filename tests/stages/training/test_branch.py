"""Training that diverges: told in words, and nothing is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repository import ROOT

pytestmark = pytest.mark.slow

# In a process of its own: TensorFlow can be set up only once in each.
PROGRAM = """
import json
import sys
from dataclasses import replace

import numpy as np
from dvclive import Live

from stages.common.keras_setup import keras, set_up
from stages.common.settings import Train
from stages.training.branch import DivergedError, Examples
from stages.training.closed_form import ClosedForm
from stages.training.division import NothingToLearnError
from stages.training.gradient_descent import GradientDescent, plain
from stages.training.out_of_fold import train_branch

set_up(1, 1)
features = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)


class Small:
    def encode(self, rows):
        return {"features": features[rows]}

    def build(self):
        given = keras.Input((4,), name="features")
        return keras.Model({"features": given}, keras.layers.Dense(27)(given))


class Descending(Small, GradientDescent):
    def recipe(self, steps):
        return plain(0.01)


class Solved(Small, ClosedForm):
    def solve(self, rows):
        return self.build()


examples = Examples(
    rows=np.arange(60),
    labels=np.arange(60) % 3,
    groups=np.arange(60),
    validation=np.arange(60) >= 45,
    codes=27,
)
train = Train(epochs=3, patience=2, batch_size=8, class_weight=0.0, seed=1, threads=1)
live = Live(sys.argv[1], dvcyaml=None, save_dvc_exp=False)
told = []
for value, way in json.loads(sys.argv[2]):
    features[:, 3] = float(value)
    branch = (Descending if way == "descent" else Solved)(train, examples, folds=1)
    try:
        train_branch(branch, live)
    except DivergedError as error:
        told.append(f"told: {error}")
    else:
        told.append("kept")
for parts in (examples.validation & False, examples.validation | True):
    try:
        train_branch(Descending(train, replace(examples, validation=parts), folds=1), live)
    except NothingToLearnError as error:
        told.append(str(error))
solved = Live(sys.argv[1] + "/solved", dvcyaml=None, save_dvc_exp=False)
features[:, 3] = 1.0
train_branch(Solved(train, examples, folds=1), solved)
solved.end()
print(json.dumps(told))
"""


CASES = {
    ("nan", "descent"): "told: loss is nan in epoch 1: training diverged and no model is kept",
    ("inf", "descent"): "lower the branch's learning_rate",
    ("nan", "solving"): "told: the model answers with what is no number; no model is kept",
    ("1", "descent"): "kept",
    ("1", "solving"): "kept",
}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where figures and curves lie."""
    return tmp_path_factory.mktemp("live")


@pytest.fixture(scope="module")
def said(live: Path) -> list[str]:
    """What training says in each case, then without validation and without training products."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", PROGRAM, str(live), json.dumps([*CASES])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines: list[str] = json.loads(done.stdout.splitlines()[-1])
    return lines


@pytest.fixture(scope="module")
def told(said: list[str]) -> dict[tuple[str, str], str]:
    """What training says in each case."""
    return dict(zip(CASES, said, strict=False))


def test_a_branch_without_products_is_told_to_be_switched_off(said: list[str]) -> None:
    without_validation, without_training = said[len(CASES) :]
    assert "60 are for training and 0 for validation" in without_validation
    assert "0 are for training and 60 for validation" in without_training
    assert "-S image=none" in without_training


@pytest.mark.parametrize("case", CASES)
def test_what_is_no_number_stops_training(
    case: tuple[str, str], told: dict[tuple[str, str], str]
) -> None:
    assert CASES[case] in told[case]
    assert (told[case] == "kept") is (case[0] == "1")


def test_a_solution_has_accuracies_and_no_curve_of_two_dots(said: list[str], live: Path) -> None:
    assert said
    figures = json.loads((live / "solved/metrics.json").read_text(encoding="utf-8"))
    assert set(figures) >= {"train", "eval"}
    assert not list((live / "solved").rglob("*.tsv"))
