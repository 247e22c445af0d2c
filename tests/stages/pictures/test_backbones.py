"""The frozen networks: what is pooled of a picture, and where."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stages.common.keras_setup import set_up
from stages.common.settings import Discriminant, Frozen
from stages.pictures.backbones import MOBILENET_LAYERS, backbone
from tests.support.repository import ROOT

pytestmark = pytest.mark.slow  # loads TensorFlow

CHANNELS = (128, 128, 128, 256, 256)
"""Of MOBILENET_LAYERS at a quarter of the width (Howard et al., 2017, "MobileNets")."""


def extracted(size: int, pixels: np.ndarray) -> dict[str, list[np.ndarray]]:
    """By statistic, the features of each layer, float64 [n, channels]; the weights are random."""
    settings = Frozen(
        model="mobilenet",
        size=size,
        weights=None,
        weights_file="",
        alpha=0.25,
        head=Discriminant(kind="discriminant", shrinkage=1.0),
        folds=1,
    )
    set_up(1, 1)  # random weights, the same in whatever order tests come
    features = np.asarray(backbone(settings)(pixels), np.float64)
    ends = np.cumsum(np.repeat(CHANNELS, 4))
    assert len(CHANNELS) == len(MOBILENET_LAYERS)
    assert features.shape == (len(pixels), ends[-1])
    parts = np.split(features, ends[:-1], axis=1)
    names = ("middle", "rim", "maximum", "spread")
    return {name: parts[place::4] for place, name in enumerate(names)}


def test_what_lies_in_a_corner_shows_in_the_rim_and_not_in_the_middle() -> None:
    grey = np.full((2, 256, 256, 3), 127, np.uint8)
    grey[1, :16, :16] = np.random.default_rng(0).integers(0, 256, (16, 16, 3))
    found = extracted(256, grey)
    first = {name: layers[0] for name, layers in found.items()}
    assert np.abs(first["middle"][0] - first["middle"][1]).max() == 0
    assert np.abs(first["rim"][0] - first["rim"][1]).max() > 0
    assert np.all(first["maximum"] >= first["middle"])


@pytest.mark.parametrize("size", [32, 250])
def test_every_size_gives_finite_features(size: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, size, size, 3), np.uint8)
    found = extracted(size, pixels)
    assert all(np.isfinite(layer).all() for layers in found.values() for layer in layers)
    if size == 32:  # maps of one or two points: the middle is all there is
        assert all(map(np.array_equal, found["middle"], found["rim"]))


PROGRAM = """
import sys
from stages.common.settings import Discriminant, Frozen
from stages.pictures.backbones import WeightsError, backbone

weights = sys.argv[1]
head = Discriminant(kind="discriminant", shrinkage=1.0)
if weights != "imagenet":
    import h5py
    with h5py.File(weights, "w") as file:
        file.create_dataset("other", data=[1.0])
given = dict(model="mobilenet", size=64, alpha=0.25, head=head, folds=1)
settings = Frozen.model_construct(weights=weights, weights_file=weights, **given)
try:
    backbone(settings)
except WeightsError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("imagenet", ("image.weights = 'imagenet'", "go online", "image.weights=null")),
        ("other.h5", ("image.weights = 'other.h5'", "keras.applications downloads")),
    ],
)
def test_weights_that_cannot_be_had_are_told_with_what_to_do(
    weights: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    """In a process of its own, without a network and without what was downloaded before."""
    nowhere = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https")}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", PROGRAM, weights],
        cwd=tmp_path,
        env={**os.environ, **nowhere, "KERAS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for part in words:
        assert part in done.stdout
