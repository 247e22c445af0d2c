"""The libraries choose their kernels as pinned; a new version that can choose more is noticed."""

from __future__ import annotations

import ast
import json
import os
import platform
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.commands.proofs.verify import HOSTILE
from stages.common.determinism import ENVIRONMENT
from tests.support.imports import modules
from tests.support.repository import ROOT, called

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        platform.machine() != "x86_64", reason="these are the kernels of x86-64 processors"
    ),
]

POOLS = """
import json
import numpy, scipy.linalg, sklearn.linear_model, threadpoolctl
print(json.dumps(threadpoolctl.threadpool_info()))
"""

DISPATCHED = """
from numpy._core import _multiarray_umath as kernels
print(*kernels.__cpu_dispatch__)
"""

IN_USE = """
from numpy._core import _multiarray_umath as kernels
print(*(name for name in kernels.__cpu_dispatch__ if kernels.__cpu_features__[name]))
"""

PRODUCT = """
import numpy, tensorflow
tensorflow.matmul(numpy.ones((9, 9), "f"), numpy.ones((9, 9), "f"))
"""

APPROXIMATE = (".rsqrt", ".reciprocal", "layers.BatchNormalization")
"""Of TensorFlow and Keras: what the processor's maker rounds in single precision."""

UNSTABLE = {"argsort", "argpartition", "sort_values"}
"""Functions whose order of ties depends on the register, unless told otherwise."""


def printed(code: str, **environment: str) -> str:
    """What a process prints under the pins."""
    done = called(ROOT, sys.executable, "-c", code, env=os.environ | environment | ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_libraries_of_linear_algebra_are_known_and_pinned() -> None:
    pools = json.loads(printed(POOLS))
    assert {pool["internal_api"] for pool in pools} == {"openblas", "openmp"}
    assert {pool["num_threads"] for pool in pools} == {1}
    kernels = [pool["architecture"] for pool in pools if pool["user_api"] == "blas"]
    assert len(kernels) == 2  # NumPy's and SciPy's own
    assert set(kernels) == {ENVIRONMENT["OPENBLAS_CORETYPE"]}


def test_whatever_a_hostile_caller_sets_is_pinned() -> None:
    assert HOSTILE.keys() <= ENVIRONMENT.keys()
    assert not HOSTILE.items() & ENVIRONMENT.items()


def test_numpy_has_no_kernels_beside_those_that_are_off() -> None:
    off = set(ENVIRONMENT["NPY_DISABLE_CPU_FEATURES"].split())
    assert set(printed(DISPATCHED).split()) == off
    assert printed(IN_USE).split() == []


def test_onednn_is_on_and_at_most_at_its_pin() -> None:
    said = printed(PRODUCT, ONEDNN_VERBOSE="2")
    assert f"cpu,isa:Intel {ENVIRONMENT['ONEDNN_MAX_CPU_ISA']}\n" in said
    assert "exec,cpu" in said


def convolution(path: Path) -> None:
    """A graph of one convolution of 16 channels to 16."""
    shape = ["n", 16, 8, 8]
    weights = numpy_helper.from_array(np.ones((16, 16, 3, 3), np.float32), "w")
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy")
    graph = helper.make_graph([node], "convolution", [x], [y], [weights])
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=10), path)


OPTIMISED = """
import sys, onnxruntime
from pathlib import Path
from serving.classifier.classifier import session
made = onnxruntime.InferenceSession
def kept(path, options, **more):
    options.optimized_model_filepath = sys.argv[2]
    return made(path, options, **more)
onnxruntime.InferenceSession = kept
session(Path(sys.argv[1]), fast=sys.argv[3] == "fast")
"""


@pytest.mark.parametrize("kind", ["exact", "fast"])
def test_only_fast_inference_lays_pictures_out_by_the_register(kind: str, tmp_path: Path) -> None:
    convolution(tmp_path / "graph.onnx")
    words = (sys.executable, "-c", OPTIMISED, "graph.onnx", "optimised.onnx", kind)
    done = called(tmp_path, *words, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    domains = {node.domain for node in onnx.load(tmp_path / "optimised.onnx").graph.node}
    assert ("com.microsoft.nchwc" in domains) == (kind == "fast")


def calls(module: Path) -> list[ast.Call]:
    """Every call in a module's text."""
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_no_order_depends_on_how_ties_are_sorted() -> None:
    stable = "kind='stable'"
    assert not [
        f"{module}:{call.lineno}: a sort without {stable}"
        for module in modules()
        for call in calls(module)
        if getattr(call.func, "attr", "") in UNSTABLE
        and stable not in map(ast.unparse, call.keywords)
    ]


def test_no_reciprocal_root_is_taken_in_single_precision() -> None:
    own = Path("stages/common/reciprocal_root.py")
    assert not [
        f"{module}:{call.lineno}: {ast.unparse(call.func)}; see {own}"
        for module in modules()
        for call in calls(module)
        if ast.unparse(call.func).endswith(APPROXIMATE)
    ]
