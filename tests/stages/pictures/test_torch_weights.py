"""Weights of a PyTorch file are read, and nothing that the file names is run."""

from __future__ import annotations

import collections
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.pictures.torch_weights import WeightsError, read_tensors

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class Named:
    """Pickled as a global name, as PyTorch's own objects are; `arguments` are what it is called
    with."""

    def __init__(self, module: str, name: str, *arguments: Any) -> None:
        self.module, self.name, self.arguments = module, name, arguments


class Storage:
    """Pickled as a persistent id."""

    def __init__(self, key: str, elements: int, kind: str = "FloatStorage") -> None:
        self.pid = ("storage", Named("torch", kind), key, "cpu", elements, None)


_InPython: Any = pickle._Pickler


class Pickler(_InPython):
    """Writes names of modules that are not there, too."""

    def persistent_id(self, obj: Any) -> Any:
        return obj.pid if isinstance(obj, Storage) else None

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Named):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
            if obj.arguments:
                self.save(obj.arguments)
                self.write(pickle.REDUCE)
            return
        super().save(obj, save_persistent_id)


def tensor(storage: Storage, shape: Any, strides: Any, offset: Any = 0) -> Named:
    hooks: Any = collections.OrderedDict()
    return Named(
        "torch._utils", "_rebuild_tensor_v2", storage, offset, shape, strides, False, hooks
    )


def written(
    path: Path,
    state: Any,
    contents: dict[str, np.ndarray],
    *,
    magic: int = MAGIC,
    keys: list[str] | None = None,
) -> Path:
    with path.open("wb") as file:
        for value in (magic, PROTOCOL, {"little_endian": True}, state, keys or list(contents)):
            Pickler(file, 2).dump(value)
        for values in contents.values():
            file.write(struct.pack("<q", values.size) + values.tobytes())
    return path


NUMBERS = np.arange(12, dtype=np.float32)


def test_tensors_are_read_with_their_shape_strides_and_offset(tmp_path: Path) -> None:
    storage = Storage("7", 12)
    state = {
        "whole": tensor(storage, (3, 4), (4, 1)),
        "turned": tensor(storage, (4, 3), (1, 4)),
        "part": tensor(storage, (2,), (1,), 5),
        "scalar": tensor(storage, (), (), 3),
        "count": tensor(Storage("8", 1, "LongStorage"), (1,), (1,)),
    }
    path = written(tmp_path / "w.pth", state, {"7": NUMBERS, "8": np.array([9], np.int64)})
    tensors = read_tensors(path)
    assert list(tensors) == list(state)
    np.testing.assert_array_equal(tensors["whole"], NUMBERS.reshape(3, 4))
    np.testing.assert_array_equal(tensors["turned"], NUMBERS.reshape(3, 4).T)
    np.testing.assert_array_equal(tensors["part"], [5, 6])
    assert tensors["scalar"] == 3
    assert tensors["count"].tolist() == [9]
    tensors["whole"][:] = 0  # a copy: the other views of the storage stay
    assert tensors["turned"][0, 1] == 4


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("torch", "load"),
        ("torch._utils", "_rebuild_qtensor"),
        ("numpy", "load"),
        ("collections", "namedtuple"),
    ],
)
def test_a_name_that_weights_do_not_need_is_refused(
    module: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(os, "system", ran.append)
    state = {"w": Named(module, name, "touch harm")}
    path = written(tmp_path / "w.pth", state, {"7": NUMBERS})
    with pytest.raises(WeightsError, match=f"names {module}.{name}"):
        read_tensors(path)
    assert not ran


def of_storage(*arguments: Any, **options: Any) -> Callable[[], dict[str, Any]]:
    return lambda: {"w": tensor(Storage("7", 12), *arguments, **options)}


@pytest.mark.parametrize(
    "state",
    [
        of_storage((13,), (1,)),
        of_storage((12,), (2,)),
        of_storage((4,), (1,), 9),
        of_storage((2,), (-1,), 5),
        of_storage((-1,), (1,)),
        of_storage((2,), (1,), -3),
        of_storage((3, 4), (1,)),
        of_storage((2**40, 2**40), (0, 0)),
        lambda: {"w": "no tensor"},
        lambda: ["no", "dictionary"],
        lambda: {"w": tensor(Storage("7", 13), (12,), (1,))},
        lambda: {"w": tensor(Storage("7", -1), (0,), (1,))},
        lambda: {"w": tensor(Storage("7", 12, "UntypedStorage"), (12,), (1,))},
        lambda: {"w": tensor(Storage("8", 12), (12,), (1,))},
        lambda: {"w": Named("torch._utils", "_rebuild_tensor_v2", "no storage", 0, (1,), (1,))},
        lambda: {"w": Named("torch", "FloatStorage", 12)},
    ],
)
def test_what_is_no_table_of_tensors_is_refused(state: Callable[[], Any], tmp_path: Path) -> None:
    path = written(tmp_path / "w.pth", state(), {"7": NUMBERS})
    with pytest.raises(WeightsError, match=r"w\.pth"):
        read_tensors(path)


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    state = {"w": tensor(Storage("7", 12), (12,), (1,))}
    whole = written(tmp_path / "w.pth", state, {"7": NUMBERS}).read_bytes()
    for length in range(len(whole)):
        cut = tmp_path / "cut.pth"
        cut.write_bytes(whole[:length])
        with pytest.raises(WeightsError, match=r"cut\.pth"):
            read_tensors(cut)


def test_another_format_is_refused(tmp_path: Path) -> None:
    state = {"w": tensor(Storage("7", 12), (12,), (1,))}
    path = written(tmp_path / "w.pth", state, {"7": NUMBERS}, magic=1)
    with pytest.raises(WeightsError, match="not the legacy format"):
        read_tensors(path)
