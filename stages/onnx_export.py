"""Keras models as ONNX graphs that serving can rely on: known inputs, one output."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import tf2onnx

from serving.classifier.classifier import LOGITS, session
from stages.keras_setup import keras, tf

OPSET = 17


class ExportError(RuntimeError):
    """The graph is not the model; nothing was exported."""


def to_onnx(model: keras.Model, path: Path) -> None:
    """Write `model` as a graph with its own inputs, free batch size, and one output LOGITS."""
    signature = [
        tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, name=tensor.name)
        for tensor in model.inputs
    ]
    names = [tensor.name for tensor in model.inputs]
    run = tf.function(
        lambda *inputs: model(dict(zip(names, inputs, strict=True)), training=False),
        input_signature=signature,
    )
    graph, _ = tf2onnx.convert.from_function(run, input_signature=signature, opset=OPSET)
    _rename_output(graph, LOGITS)
    found = [value.name for value in graph.graph.input]
    if sorted(found) != sorted(names):
        raise ExportError(f"{path}: the graph has inputs {found}; expected {names}")
    onnx.checker.check_model(graph)
    path.write_bytes(graph.SerializeToString(deterministic=True))


def answers(
    model: keras.Model, path: Path, inputs: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Logits of `model` and of the graph at `path` for the same inputs, each [n, codes]."""
    (found,) = session(path).run([LOGITS], dict(inputs))
    return np.asarray(model(dict(inputs), training=False)), np.asarray(found)


def _rename_output(graph: onnx.ModelProto, name: str) -> None:
    (output,) = graph.graph.output
    for node in graph.graph.node:
        node.output[:] = [name if value == output.name else value for value in node.output]
        node.input[:] = [name if value == output.name else value for value in node.input]
    output.name = name
