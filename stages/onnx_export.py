"""Keras models as ONNX graphs that serving can rely on: known inputs, one output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    _order_constants(graph)
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
    _rename(graph, {output.name: name})
    output.name = name


def _order_constants(graph: onnx.ModelProto) -> None:
    """Name and order constants by their first use: the converter's own order varies by process."""
    stored = {constant.name: constant for constant in graph.graph.initializer}
    used = [name for node in _nodes(graph.graph) for name in node.input if name in stored]
    names = {name: f"constant_{i}" for i, name in enumerate(dict.fromkeys(used))}
    _rename(graph, names)
    del graph.graph.initializer[:]
    for name, ordered in names.items():
        stored[name].name = ordered
        graph.graph.initializer.append(stored[name])


def _rename(graph: onnx.ModelProto, names: Mapping[str, str]) -> None:
    for node in _nodes(graph.graph):
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """All nodes, those inside loops and branches included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            yield from _nodes(attribute.g)
