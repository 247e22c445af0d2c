"""Keras models as ONNX graphs that serving can rely on: known inputs, one output."""

from __future__ import annotations

import gc
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import tf2onnx
import tf2onnx.graph
import tf2onnx.optimizer

from serving.classifier.classifier import LOGITS, session
from stages.common.keras_setup import keras, tf
from stages.common.output import StageError

OPSET = 17

_LARGE = 1024
"""Elements from which on a tensor is worth storing in another precision."""

# There is no public way to either of these; tests/test_private_parts.py names them.
# The converter walks through sets of nodes. By their address, which is what Python hashes, it would
# leave another graph in every process.
tf2onnx.graph.Node.__hash__ = lambda node: zlib.crc32(node.name.encode())


def _collected(factory: Callable[[], Any]) -> Any:
    gc.collect()
    return factory()


# Each optimiser works on a copy of the graph, which Python would let lie: dozens of the weights.
_optimizers = tf2onnx.optimizer._get_optimizers()
_optimizers.update({name: partial(_collected, make) for name, make in _optimizers.items()})


class ExportError(StageError):
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
    with _old_objects_passed_over():
        graph, _ = tf2onnx.convert.from_function(run, input_signature=signature, opset=OPSET)
    _rename_output(graph, LOGITS)
    _make_canonical(graph.graph)
    _halve(graph.graph)
    inputs = [value.name for value in graph.graph.input]
    if sorted(inputs) != sorted(names):
        raise ExportError(f"{path}: the graph has inputs {inputs}; expected {names}")
    onnx.checker.check_model(graph)
    path.write_bytes(graph.SerializeToString(deterministic=True))


@contextmanager
def _old_objects_passed_over() -> Iterator[None]:
    """Have the garbage collector look at new objects only: TensorFlow has a million old ones."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def answers(
    model: keras.Model, path: Path, inputs: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits of `model`, and of the graph at `path` run exactly and fast, each [n, codes]."""
    exact, fast = (
        np.asarray(session(path, fast=kind).run([LOGITS], dict(inputs))[0])
        for kind in (False, True)
    )
    return np.asarray(model(dict(inputs), training=False)), exact, fast


def _rename_output(graph: onnx.ModelProto, name: str) -> None:
    (output,) = graph.graph.output
    _rename(graph.graph, {output.name: name})
    output.name = name


def _make_canonical(graph: onnx.GraphProto) -> None:
    """Order nodes and constants by name and by use: the converter's own order varies by process."""
    waiting = sorted(graph.node, key=lambda node: node.name)
    written = {name for node in waiting for name in node.output}
    nodes: list[onnx.NodeProto] = []
    while waiting:
        ready = next(node for node in waiting if not _reads(node) & written)
        waiting.remove(ready)
        written -= set(ready.output)
        nodes.append(ready)
    stored = {constant.name: constant for constant in graph.initializer}
    used = [name for node in nodes for name in sorted(_reads(node), key=_place(node))]
    constants = [name for name in dict.fromkeys(used) if name in stored]
    names = {name: f"constant_{number}" for number, name in enumerate(constants)}
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    for name, ordered in names.items():
        stored[name].name = ordered
        graph.initializer.append(stored[name])
    _rename(graph, names)


def _halve(graph: onnx.GraphProto) -> None:
    """Store in half precision what loses nothing by it: weights that were rounded before."""
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _LARGE:
            continue
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if (half == values).all():
            whole = tensor.name
            tensor.CopyFrom(onnx.numpy_helper.from_array(half, f"{whole}_half"))
            graph.node.insert(
                0,
                onnx.helper.make_node(
                    "Cast", [tensor.name], [whole], name=f"{whole}_whole", to=onnx.TensorProto.FLOAT
                ),
            )


def _place(node: onnx.NodeProto) -> Callable[[str], tuple[int, str]]:
    """Sort key: the position among the node's own inputs, then what only its subgraphs read."""
    own = list(node.input)
    return lambda name: (own.index(name) if name in own else len(own), name)


def _reads(node: onnx.NodeProto) -> set[str]:
    """Names a node reads, those that its subgraphs read included."""
    inner = {
        name for attribute in node.attribute for child in attribute.g.node for name in _reads(child)
    }
    return set(node.input) | inner


def _rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Rename values, inside loops and branches too."""
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for attribute in node.attribute:
            _rename(attribute.g, names)
