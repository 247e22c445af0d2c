"""Weights that were rounded to half precision take half the space in a graph, and say the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from serving.classifier.classifier import LOGITS, session
from stages.common.keras_setup import keras
from stages.graphs.conversion import to_onnx

pytestmark = pytest.mark.slow  # loads TensorFlow


@pytest.mark.parametrize("rounded", [True, False])
def test_only_what_loses_nothing_is_stored_in_half(tmp_path: Path, rounded: bool) -> None:
    given = keras.Input((64,), name="features")
    model = keras.Model({"features": given}, keras.layers.Dense(64, name="logits")(given))
    random = np.random.default_rng(0)
    kernel, bias = random.normal(size=(64, 64)), random.normal(size=64)
    if rounded:
        kernel = kernel.astype(np.float16)
    model.set_weights([kernel.astype(np.float32), bias.astype(np.float32)])
    path = tmp_path / "graph.onnx"
    to_onnx(model, path)
    stored = {tuple(tensor.dims): tensor.data_type for tensor in onnx.load(path).graph.initializer}
    half = onnx.TensorProto.FLOAT16 if rounded else onnx.TensorProto.FLOAT
    assert stored[(64, 64)] == half
    assert (path.stat().st_size < 10_000) == rounded
    features = random.normal(size=(5, 64)).astype(np.float32)
    (logits,) = session(path).run([LOGITS], {"features": features})
    assert np.allclose(logits, np.asarray(model({"features": features})), atol=1e-4)
