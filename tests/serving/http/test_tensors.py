"""Tensors of the Open Inference Protocol: what is encoded is decoded, what is no tensor refused."""

from __future__ import annotations

import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, strategies
from tritonclient.utils import deserialize_bytes_tensor, serialize_byte_tensor

from serving.http.problems import Problem
from serving.http.tensors import (
    Tensor,
    bytes_from_binary,
    bytes_to_binary,
    divided,
    parts,
    rows,
    texts_from_json,
    to_binary,
    to_json,
)

elements = strategies.lists(strategies.binary(max_size=40), max_size=8)


@given(elements)
def test_bytes_come_back(given: list[bytes]) -> None:
    binary = bytes_to_binary(given)
    assert bytes_from_binary("image", memoryview(binary), len(given)) == given


@given(elements.filter(len))
def test_bytes_lie_as_the_client_of_triton_has_them(given: list[bytes]) -> None:
    theirs = serialize_byte_tensor(np.array(given, object)).item()
    assert bytes_to_binary(given) == theirs
    assert list(deserialize_bytes_tensor(theirs)) == given


@given(strategies.binary(max_size=40), strategies.integers(0, 5))
def test_bytes_that_are_no_tensor_are_refused_or_are_one(data: bytes, count: int) -> None:
    found = None
    with suppress(Problem):
        found = bytes_from_binary("image", memoryview(data), count)
    assert found is None or (len(found) == count and bytes_to_binary(found) == data)


@pytest.mark.parametrize(
    ("data", "count", "reason"),
    [
        (b"", 1, "ends before its element 0"),
        (b"\1\0\0", 1, "ends before its element 0"),
        (b"\2\0\0\0a", 1, "2 bytes are declared, 1 are there"),
        (b"\xff\xff\xff\xffa", 1, "4294967295 bytes are declared, 1 are there"),
        (b"\1\0\0\0a", 2, "ends before its element 1"),
        (b"\1\0\0\0ab", 1, "has 1 bytes behind its elements"),
        (b"\0\0\0\0", 0, "has 4 bytes behind its elements"),
    ],
)
def test_sizes_that_do_not_fit_are_told(data: bytes, count: int, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        bytes_from_binary("image", memoryview(data), count)


@pytest.mark.parametrize(
    ("tensor", "shape", "json", "binary"),
    [
        (Tensor("code", "INT64", np.array([1, -2])), [2], [1, -2], struct.pack("<2q", 1, -2)),
        (Tensor("accepted", "BOOL", np.array([True, False])), [2], [True, False], b"\1\0"),
        (
            Tensor("probabilities", "FP64", np.array([[0.1, 0.9], [1, 0]])),
            [2, 2],
            [0.1, 0.9, 1.0, 0.0],
            struct.pack("<4d", 0.1, 0.9, 1, 0),
        ),
        (Tensor("label", "BYTES", ["é", ""]), [2], ["é", ""], b"\2\0\0\0\xc3\xa9\0\0\0\0"),
        (Tensor("confidence", "FP64", np.array([0.5], ">f8")), [1], [0.5], struct.pack("<d", 0.5)),
    ],
)
def test_tensors_of_answers(
    tensor: Tensor, shape: list[int], json: list[object], binary: bytes
) -> None:
    assert (tensor.shape, to_json(tensor), to_binary(tensor)) == (shape, json, binary)


def test_texts_are_flattened_or_nested_as_their_shape() -> None:
    assert texts_from_json("image", ["a", "b"], [2]) == ["a", "b"]
    assert texts_from_json("image", ["a", "b"], [2, 1]) == ["a", "b"]
    assert texts_from_json("image", [["a"], ["b"]], [2, 1]) == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        (["a"], [2]),
        (["a", "b"], [1]),
        ([["a"], ["b"]], [2]),
        ([["a"], "b"], [2, 1]),
        ([["a", "b"]], [1, 1]),
        ([[], []], [2, 1]),
    ],
)
def test_texts_of_another_shape_are_refused(data: list[str | list[str]], shape: list[int]) -> None:
    with pytest.raises(Problem) as raised:
        texts_from_json("image", data, shape)
    assert raised.value.status_code == 400


@pytest.mark.parametrize("shape", [[], [0], [-1], [2, 2], [2, 0], [1, 1, 1]])
def test_other_shapes_are_refused(shape: list[int]) -> None:
    with pytest.raises(Problem, match="expected"):
        rows("image", shape)
    assert rows("image", [3, 1]) == rows("image", [3]) == 3


def test_a_body_is_divided_where_its_length_says() -> None:
    assert divided(b"{}ab", ["2"]) == (b"{}", memoryview(b"ab"))
    assert divided(b"{}", []) == (b"{}", None)


@pytest.mark.parametrize(
    "lengths",
    [["-1"], ["+1"], ["1.0"], ["5"], ["9" * 5000], [""], ["1", "1"], ["٢"], ["0x2"], ["1_0"]],
)
def test_a_length_that_is_none_is_refused(lengths: list[str]) -> None:
    with pytest.raises(Problem, match="Inference-Header-Content-Length"):
        divided(b"{}ab", lengths)


@given(strategies.lists(strategies.binary(max_size=20)))
def test_parts_are_in_order(given: list[bytes]) -> None:
    sizes = list(map(len, given))
    assert list(map(bytes, parts(sizes, memoryview(b"".join(given))))) == given


@pytest.mark.parametrize("sizes", [[], [1], [3], [1, 2], [2**63 - 1]])
def test_sizes_that_do_not_add_up_are_refused(sizes: list[int]) -> None:
    with pytest.raises(Problem, match="binary_data_size"):
        parts(sizes, memoryview(b"ab"))
    with pytest.raises(Problem, match="binary_data_size"):
        parts([1], None)
