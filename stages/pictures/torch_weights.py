"""Weights out of a PyTorch file, without PyTorch and without running anything that is in it.

The legacy format (torch.save before 1.6) is five pickles, then for each storage its number of
elements, int64, and its elements. A pickle can name any function to be called: this reader knows
the three names that a state dictionary of tensors needs and refuses all others (the Python
documentation, "Restricting Globals" of pickle). What it gives for a name are objects without
attributes, so that nothing in the file can change them either.
"""

from __future__ import annotations

import math
import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from stages.common.output import StageError

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
"""What the first two pickles hold."""

_DTYPES: dict[str, np.dtype] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class WeightsError(StageError):
    """The configured weights cannot be had, or are none of this network."""


class _Storage(NamedTuple):
    key: str
    dtype: np.dtype
    elements: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _State(dict[str, Any]):
    """A dictionary that takes attributes, as PyTorch's has `_metadata`."""


class _MakeState:
    __slots__ = ()

    def __call__(self) -> _State:
        return _State()


class _MakeTensor:
    __slots__ = ()

    def __call__(
        self,
        storage: _Storage,
        offset: int,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        *_: Any,
    ) -> _Tensor:
        if not isinstance(storage, _Storage):
            raise pickle.UnpicklingError("a tensor without a storage")
        return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


class _Unpickler(pickle.Unpickler):
    """Knows ordered dictionaries, tensors and storages, and no other name."""

    def find_class(self, module: str, name: str) -> Any:
        """As pickle's, of three names; a kind of storage is a text, which nothing can call."""
        if (module, name) == ("collections", "OrderedDict"):
            return _MakeState()
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _MakeTensor()
        if module == "torch" and name in _DTYPES:
            return name
        raise pickle.UnpicklingError(f"names {module}.{name}, which no table of weights needs")

    def persistent_load(self, pid: Any) -> _Storage:
        """As pickle's: a storage, by ("storage", kind, key, device, elements, view)."""
        try:
            tag, kind, key, _, elements, view = pid
            storage = _Storage(str(key), _DTYPES[kind], int(elements))
        except (TypeError, ValueError, KeyError) as error:
            raise pickle.UnpicklingError(f"a storage of another kind: {pid!r:.80}") from error
        if tag != "storage" or view is not None or storage.elements < 0:
            raise pickle.UnpicklingError(f"a storage of another kind: {pid!r:.80}")
        return storage


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Every tensor of a state dictionary in the legacy format, by name, contiguous and writable.

    Raises WeightsError naming the file when it is cut off, of another format, or holds a name
    that weights do not need; nothing of it is run.
    """
    try:
        with path.open("rb") as file:
            return _read(file, path.stat().st_size)
    except (
        *(pickle.UnpicklingError, EOFError, struct.error, OverflowError, MemoryError),
        *(AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError),
    ) as error:
        raise WeightsError(f"{path}: no PyTorch weights that can be read: {error}") from error


def _read(file: BinaryIO, size: int) -> dict[str, np.ndarray]:
    if _Unpickler(file).load() != _MAGIC or _Unpickler(file).load() != _PROTOCOL:
        raise ValueError("not the legacy format of torch.save")
    _Unpickler(file).load()  # of the machine that wrote it: byte order, sizes of integers
    state = _Unpickler(file).load()
    keys = _Unpickler(file).load()
    if not isinstance(state, Mapping) or not all(isinstance(t, _Tensor) for t in state.values()):
        raise ValueError("not a dictionary of tensors")
    storages = {tensor.storage.key: tensor.storage for tensor in state.values()}
    if sorted(map(str, keys)) != sorted(storages):
        raise ValueError("other storages than its tensors have")
    contents = {key: _elements(file, storages[key], size) for key in keys}
    return {name: _array(tensor, contents[tensor.storage.key]) for name, tensor in state.items()}


def _elements(file: BinaryIO, storage: _Storage, size: int) -> np.ndarray:
    """The elements of a storage; no more memory is taken than the file is long."""
    (count,) = struct.unpack("<q", file.read(8))
    wanted = count * storage.dtype.itemsize
    if count != storage.elements or not 0 <= wanted <= size - file.tell():
        raise ValueError(
            f"storage {storage.key} has {count} elements, {storage.elements} announced"
        )
    return np.frombuffer(file.read(wanted), storage.dtype)


def _array(tensor: _Tensor, elements: np.ndarray) -> np.ndarray:
    """A copy of the part of a storage that is the tensor."""
    if min((*tensor.shape, *tensor.strides, tensor.offset), default=0) < 0:
        raise ValueError("a tensor of negative size")
    if len(tensor.shape) != len(tensor.strides) or math.prod(tensor.shape) > len(elements):
        raise ValueError("a tensor larger than its storage")
    last = tensor.offset + sum(
        (length - 1) * stride for length, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    if math.prod(tensor.shape) and last >= len(elements):
        raise ValueError("a tensor beyond its storage")
    view = np.lib.stride_tricks.as_strided(
        elements[tensor.offset :],
        tensor.shape,
        [stride * elements.itemsize for stride in tensor.strides],
    )
    return view.copy()
