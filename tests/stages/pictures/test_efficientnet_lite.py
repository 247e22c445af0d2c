"""EfficientNet-Lite answers as an independent implementation does, and knows a photograph."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.pictures import efficientnet_lite
from stages.pictures.torch_weights import WeightsError
from tests.support.repository import ROOT

pytestmark = pytest.mark.slow  # loads TensorFlow

ANSWERS = """
import json, numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image
from stages.common.keras_setup import set_up
from stages.pictures.efficientnet_lite import efficientnet_lite, pretrained

def pattern(size):
    step = np.arange(size)
    channels = np.add.outer(3 * step, 5 * step), np.add.outer(7 * step, step), np.outer(step, step)
    return np.stack(channels, -1) % 256

def photograph(size, name):
    picture = Image.fromarray(load_sample_image(name))
    left, side = (picture.width - picture.height) // 2, picture.height
    square = picture.crop((left, 0, left + side, side))
    return np.asarray(square.resize((size, size), Image.Resampling.BICUBIC))

set_up(1, 2)
answers = {}
for variant, size in (("lite0", 224), ("lite2", 260)):
    tensors = pretrained(variant)
    network = efficientnet_lite(variant, size, tensors)
    pictures = pattern(size), photograph(size, "china.jpg"), photograph(size, "flower.jpg")
    maps = network((np.stack(pictures).astype(np.float32) - 127) / 128)
    features = np.asarray(maps[-1]).mean((1, 2))
    logits = features @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    answers[variant] = {
        "pattern": logits[0, ::125].tolist(),
        "spread": float(logits[0].std()),
        "best": logits.argmax(1).tolist(),
        "maps": [list(part.shape[1:]) for part in maps],
    }
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", ANSWERS],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    parsed: dict[str, dict[str, Any]] = json.loads(run.stdout.splitlines()[-1])
    return parsed


@pytest.mark.parametrize(
    ("variant", "logits", "spread"),
    [
        ("lite0", [-0.5197, 1.6965, -0.301, -0.5944, -2.5729, -1.4924, 0.7178, -0.0323], 1.64888),
        ("lite2", [-0.988, -0.5737, -0.8813, -1.6541, -0.7768, -1.1627, 1.7016, 0.1159], 1.25128),
    ],
)
def test_logits_are_those_of_an_independent_implementation(
    answers: dict[str, dict[str, Any]], variant: str, logits: list[float], spread: float
) -> None:
    """The values are those of efficientnet-lite-pytorch 0.1.0 (PyTorch 2.13) on the same pattern:
    symmetric padding, another epsilon or another scaling of pixels move them by far more."""
    np.testing.assert_allclose(answers[variant]["pattern"], logits, atol=2e-3)
    assert answers[variant]["spread"] == pytest.approx(spread, abs=1e-3)


def test_a_palace_and_a_daisy_are_known(answers: dict[str, dict[str, Any]]) -> None:
    """Scikit-learn's two photographs, by their ImageNet classes 698 and 985."""
    assert answers["lite0"]["best"][1:] == [698, 985]
    assert answers["lite2"]["best"][1] == 698


def test_the_maps_are_those_of_the_last_five_stages_and_of_the_head(
    answers: dict[str, dict[str, Any]],
) -> None:
    assert answers["lite0"]["maps"] == [
        *([28, 28, 40], [14, 14, 80], [14, 14, 112], [7, 7, 192], [7, 7, 320], [7, 7, 1280])
    ]
    assert [part[-1] for part in answers["lite2"]["maps"]] == [48, 88, 120, 208, 352, 1280]


def test_a_package_that_is_absent_or_holds_another_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = efficientnet_lite.VARIANTS["lite0"]
    absent = variant._replace(package="no_such_package_of_weights")
    monkeypatch.setitem(efficientnet_lite.VARIANTS, "lite0", absent)
    with pytest.raises(WeightsError, match="no_such_package_of_weights is not installed"):
        efficientnet_lite.pretrained("lite0")
    package = tmp_path / "package_of_other_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "models" / variant.file).write_bytes(b"other")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(efficientnet_lite.VARIANTS, "lite0", variant._replace(package=package.name))
    with pytest.raises(WeightsError, match=f"sha256 {variant.sha256}"):
        efficientnet_lite.pretrained("lite0")


def test_weights_of_another_network_are_refused() -> None:
    tensors = efficientnet_lite.pretrained("lite0")
    with pytest.raises(WeightsError, match="weights of another network"):
        efficientnet_lite.efficientnet_lite("lite2", 64, tensors)
