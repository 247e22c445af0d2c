"""Exported graphs: the same model gives the same bytes, in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stages.common.determinism import ENVIRONMENT
from tests.support.repository import ROOT

pytestmark = pytest.mark.slow

EXPORT = """
import hashlib, pathlib, sys
from stages.training.head import head
from stages.graphs.conversion import to_onnx
from stages.text.lstm import lstm
from stages.pictures.backbones import backbone
from stages.common.keras_setup import keras, set_up
from stages.common.settings import Discriminant, Frozen, Lstm
from serving.encoding.encoders import WordEncoder

set_up(1, 1)
settings = Lstm(
    model="lstm", designation_words=4, description_words=4, vocabulary=1000, dimensions=8, pieces=2,
    piece_buckets=1024, piece_dimensions=4, units=4, dropout=0.1, epochs=1, learning_rate=0.1,
    weight_decay=0.1, label_smoothing=0.1, folds=2,
)
text = lstm(settings, WordEncoder(["livre", "jeu"], (4, 4), 2, 1024), 27)
frozen = Frozen(
    model="mobilenet", size=64, weights=None, weights_file="", alpha=0.25,
    head=Discriminant(kind="discriminant", shrinkage=1.0), folds=1,
)
network = backbone(frozen)
trained = head(frozen.head, network.output.shape[1], 27)
logits = trained({"features": network.output})
image = keras.Model({"pixels": network.inputs[0]}, logits)
for model in (text, image):
    path = pathlib.Path(sys.argv[1])
    to_onnx(model, path)
    print(hashlib.sha256(path.read_bytes()).hexdigest())
"""


def exported(path: Path) -> str:
    """The hashes of an LSTM's and a MobileNet's graph, exported by a process of its own."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", EXPORT, str(path)],
        cwd=ROOT,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_equal_models_give_equal_bytes(tmp_path: Path) -> None:
    first, *others = [exported(tmp_path / "model.onnx") for _ in range(3)]
    assert len(first.split()) == 2
    assert others == [first, first]


def test_a_process_starts_again_with_the_pins_and_its_own_arguments() -> None:
    """Whatever the caller's environment is."""
    code = (
        "import os, sys\n"
        "from stages.common.determinism import ENVIRONMENT\n"
        "from stages.common.process import start_again\n"
        "start_again()\n"
        "print(ENVIRONMENT.items() <= os.environ.items(), hash('order'), sys.argv[1:])"
    )
    answers = {
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", code, "a b"],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "7"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("random", "5")
    }
    [answer] = answers
    assert answer.startswith("True ")
    assert answer.endswith("['a b']\n")
