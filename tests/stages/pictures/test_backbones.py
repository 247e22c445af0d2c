"""The frozen networks: what is pooled of a picture, and where."""

from __future__ import annotations

import numpy as np
import pytest

from stages.common.keras_setup import set_up
from stages.common.settings import Discriminant, Frozen
from stages.pictures.backbones import MOBILENET_LAYERS, backbone

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
    set_up(1, 1)
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
