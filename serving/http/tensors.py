"""Tensors of the Open Inference Protocol, in JSON and in binary: from bytes to elements and back.

Open Inference Protocol, specification/protocol/inference_rest.md; binary tensor data extension,
docs/protocol/extension_binary_data.md of the Triton Inference Server. A size that is declared
allocates nothing: it is compared with the bytes that are there.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from serving.http.problems import Problem

Datatype = Literal["BYTES", "BOOL", "INT64", "FP64"]

_DTYPES = {"BOOL": "?", "INT64": "<i8", "FP64": "<f8"}
"""NumPy's types of the datatypes with elements of one size, as they lie in binary data."""

_LENGTH = struct.Struct("<I")
"""What stands before each element of a binary BYTES tensor."""

_DECIMAL = re.compile("[0-9]{1,18}")


@dataclass(frozen=True)
class Tensor:
    """A tensor of an answer. `values` are texts for BYTES, else an array; `shape` is theirs."""

    name: str
    datatype: Datatype
    values: Sequence[str] | np.ndarray

    @property
    def shape(self) -> list[int]:
        """Sizes of the dimensions."""
        if isinstance(self.values, np.ndarray):
            return list(self.values.shape)
        return [len(self.values)]


def to_json(tensor: Tensor) -> list[Any]:
    """The elements in row-major order, flattened, as JSON has them."""
    if isinstance(tensor.values, np.ndarray):
        return tensor.values.ravel().tolist()
    return list(tensor.values)


def to_binary(tensor: Tensor) -> bytes:
    """The elements in row-major order: little-endian, texts in UTF-8 behind their lengths."""
    if isinstance(tensor.values, np.ndarray):
        return tensor.values.astype(_DTYPES[tensor.datatype]).tobytes()
    return bytes_to_binary([text.encode() for text in tensor.values])


def bytes_to_binary(elements: Sequence[bytes]) -> bytes:
    """A BYTES tensor: each element behind its length, uint32."""
    return b"".join(
        piece for element in elements for piece in (_LENGTH.pack(len(element)), element)
    )


def bytes_from_binary(name: str, data: memoryview, count: int) -> list[bytes]:
    """The `count` elements of the binary BYTES tensor `name`.

    Raises Problem 400 where they do not take exactly the bytes of `data`.
    """
    elements, position = [], 0
    for index in range(count):
        start = position + _LENGTH.size
        if start > len(data):
            raise Problem(400, f"Input {name} ends before its element {index}.")
        position = start + _LENGTH.unpack_from(data, position)[0]
        if position > len(data):
            raise Problem(
                400,
                f"Input {name}, element {index}: {position - start} bytes are declared, "
                f"{len(data) - start} are there.",
            )
        elements.append(bytes(data[start:position]))
    if position != len(data):
        raise Problem(400, f"Input {name} has {len(data) - position} bytes behind its elements.")
    return elements


def texts_from_json(name: str, data: Sequence[str | list[str]], shape: Sequence[int]) -> list[str]:
    """The elements of the BYTES tensor `name` of shape [n] or [n, 1], flattened or nested.

    Raises Problem 400 where `data` is not of `shape`.
    """
    nested = [element for element in data if isinstance(element, list)]
    if nested and (len(shape) == 1 or len(nested) < len(data)):
        raise Problem(400, f"Input {name}: its data is nested otherwise than its shape {shape}.")
    if len(data) != shape[0] or any(len(row) != 1 for row in nested):
        raise Problem(
            400, f"Input {name}: its data has not the {shape[0]} elements of its shape {shape}."
        )
    return [element if isinstance(element, str) else element[0] for element in data]


def rows(name: str, shape: Sequence[int]) -> int:
    """n of a shape [n] or [n, 1]. Raises Problem 400 for any other, and where n is below 1."""
    if len(shape) not in (1, 2) or shape[0] < 1 or tuple(shape[1:]) not in ((), (1,)):
        raise Problem(
            400, f"Input {name} has the shape {list(shape)!s:.60}; expected [n] or [n, 1]."
        )
    return shape[0]


def divided(body: bytes, lengths: Sequence[str]) -> tuple[bytes, memoryview | None]:
    """The JSON object of a body and the binary data behind it; `lengths` are the values of the
    field Inference-Header-Content-Length, none where all of the body is JSON.

    Raises Problem 400 for a length that is none, that is there twice, or that the body has not.
    """
    if not lengths:
        return body, None
    if len(lengths) > 1 or not _DECIMAL.fullmatch(lengths[0]):
        raise Problem(400, "Inference-Header-Content-Length must be one whole number.")
    length = int(lengths[0])
    if length > len(body):
        raise Problem(
            400, f"Inference-Header-Content-Length is {length}, the body has {len(body)} bytes."
        )
    return body[:length], memoryview(body)[length:]


def parts(sizes: Sequence[int], data: memoryview | None) -> list[memoryview]:
    """`data` divided into parts of these sizes, none of which is negative, in order.

    Raises Problem 400 where they do not add up to the bytes of `data`.
    """
    total, held = sum(sizes), len(data) if data is not None else 0
    if total != held:
        raise Problem(
            400,
            f"The inputs declare {total} bytes of binary data (binary_data_size), {held} are "
            "behind the JSON object (Inference-Header-Content-Length).",
        )
    found, start = [], 0
    for size in sizes:
        found.append((data or memoryview(b""))[start : start + size])
        start += size
    return found
