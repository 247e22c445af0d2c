"""What differs inside two files of one kind, and whether they agree within a tolerance.

A file is read as named leaves: the arrays of an .npz, the columns of a table, the values of a JSON
document, the figures of a Markdown page, the constants and nodes of an ONNX graph, the datasets of
an .h5 file, the entries of an archive. Two files whose leaves are equal differ in how they were
written.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
import pandas as pd
import pyarrow.parquet as pq

from stages.common.flatten import flatten

Leaves = dict[str, Any]

_SHOWN = 60
_HASH = re.compile(r"\b[0-9a-f]{32,}\b")
_FIGURE = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?: %)?")


@dataclass(frozen=True)
class Tolerance:
    """Numbers agree when |a - b| <= absolute + relative * |b|, everything else when it is equal."""

    absolute: float
    relative: float = 0.0


EXACT = Tolerance(0.0)
_SLACK = 1e-9


@dataclass(frozen=True)
class Difference:
    """The first leaf that differs, in words, and whether all leaves agree within the tolerance."""

    words: str
    agrees: bool


def difference(first: Path, second: Path, tolerance: Tolerance) -> Difference | None:
    """What tells the file `second` from `first`; None when their bytes are equal."""
    for path, other in ((first, second), (second, first)):
        if not path.is_file():
            return Difference(f"is only in {other.parent}", agrees=False)
    a, b = first.read_bytes(), second.read_bytes()
    if a == b:
        return None
    read = _READERS.get(first.suffix)
    if read is None:
        return Difference(_first_byte(a, b), agrees=False)
    try:
        old, new = read(first), read(second)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        return Difference(f"cannot be read: {error}", agrees=False)
    names = [*old, *(name for name in new if name not in old)]
    differing = [(name, words) for name in names if (words := _differ(name, old, new))]
    if not differing:
        return Difference(f"equal content in other bytes: {_first_byte(a, b)}", agrees=True)
    name, words = differing[0]
    more = f"; {len(differing) - 1} more differ" if len(differing) > 1 else ""
    agrees = all(
        name in old and name in new and _agree(old[name], new[name], tolerance)
        for name, _ in differing
    )
    return Difference(f"{_cut(name)}: {words}{more}", agrees)


def differences(
    first: Path, second: Path, tolerance: Tolerance
) -> Iterator[tuple[str, Difference]]:
    """Each differing file of two outputs, files or folders: its path within, and the difference."""
    if first.is_dir() or second.is_dir():
        within = {
            path.relative_to(root).as_posix()
            for root in (first, second)
            for path in root.rglob("*")
            if path.is_file()
        }
    else:
        within = {""}
    for name in sorted(within):
        if differing := difference(first / name, second / name, tolerance):
            yield name, differing


def _differ(name: str, old: Leaves, new: Leaves) -> str:
    if name not in new:
        return "is gone"
    if name not in old:
        return "is new"
    a, b = old[name], new[name]
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return _arrays_differ(a, b)
    return "" if a == b and type(a) is type(b) else f"{_short(a)} and {_short(b)}"


def _arrays_differ(a: np.ndarray, b: np.ndarray) -> str:
    if a.shape != b.shape or a.dtype != b.dtype:
        return f"{a.dtype} {list(a.shape)} and {b.dtype} {list(b.shape)}"
    unequal = (a != b) & ~((a != a) & (b != b))
    if not unequal.any():
        return ""
    place = tuple(int(i) for i in np.argwhere(unequal)[0])
    words = (
        f"{int(unequal.sum())} of {a.size} values differ, first at {list(place)}: "
        f"{_short(a[place])} and {_short(b[place])}"
    )
    if np.issubdtype(a.dtype, np.number):
        gap = np.abs(a.astype(np.float64) - b.astype(np.float64)).max()
        words += f", by {gap:.1e} at most"
    return words


def _agree(a: Any, b: Any, tolerance: Tolerance) -> bool:
    x, y = np.asarray(a), np.asarray(b)
    if x.shape != y.shape:
        return False
    if all(np.issubdtype(array.dtype, np.number) for array in (x, y)):
        x, y = x.astype(np.float64), y.astype(np.float64)
        within = tolerance.absolute + tolerance.relative * np.abs(y)
        # As floats, 0.84 - 0.81 is more than 0.03.
        near = np.abs(x - y) <= within * (1 + _SLACK)
        return bool((near | (x == y) | (np.isnan(x) & np.isnan(y))).all())
    return bool((x == y).all())


def _short(value: Any) -> str:
    return _cut(repr(value.item() if isinstance(value, np.generic) else value))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _first_byte(a: bytes, b: bytes) -> str:
    shorter = min(len(a), len(b))
    left, right = (np.frombuffer(part, np.uint8, shorter) for part in (a, b))
    unequal = np.flatnonzero(left != right)
    place = int(unequal[0]) if len(unequal) else shorter
    return f"first at byte {place} of {len(a)} and {len(b)}"


def _npz(path: Path) -> Leaves:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _npy(path: Path) -> Leaves:
    return {"array": np.load(path, mmap_mode="r", allow_pickle=False)}


def _json(path: Path) -> Leaves:
    return flatten(json.loads(path.read_text(encoding="utf-8")), lists=True)


def _markdown(path: Path) -> Leaves:
    """The figures of all lines with the same words, by these words; hashes are no figures."""
    figures: dict[str, list[float]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        text = _HASH.sub("…", line)
        figures.setdefault(_FIGURE.sub("#", text), []).extend(map(_value, _FIGURE.findall(text)))
    return {words: np.array(values) for words, values in figures.items()}


def _value(figure: str) -> float:
    """A figure as people read it: 1,234 or 12.5 %, a share."""
    number = figure.removesuffix(" %")
    return float(number.rstrip(",").replace(",", "")) / (100 if number != figure else 1)


def _columns(table: pd.DataFrame) -> Leaves:
    return {f"column {name}": table[name].to_numpy() for name in table.columns}


def _parquet(path: Path) -> Leaves:
    file = pq.ParquetFile(path)
    leaves = _columns(file.read().to_pandas())
    metadata = file.schema_arrow.metadata or {}
    leaves |= {f"metadata {key.decode()}": value.decode() for key, value in metadata.items()}
    return leaves | {"written by": file.metadata.created_by}


def _csv(path: Path) -> Leaves:
    return _columns(pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ","))


def _onnx(path: Path) -> Leaves:
    model = onnx.load(str(path))
    graph = model.graph
    leaves: Leaves = {
        f"constant {item.name}": onnx.numpy_helper.to_array(item) for item in graph.initializer
    }
    leaves |= {
        f"node {number} {node.op_type}": node.SerializeToString(deterministic=True)
        for number, node in enumerate(graph.node)
    }
    for side, values in (("input", graph.input), ("output", graph.output)):
        leaves |= {f"{side} {value.name}": value.SerializeToString() for value in values}
    leaves |= {f"metadata {item.key}": item.value for item in model.metadata_props}
    return leaves | {"producer": f"{model.producer_name} {model.producer_version}"}


def _h5(path: Path) -> Leaves:
    leaves: Leaves = {}

    def keep(name: str, item: h5py.Dataset | h5py.Group) -> None:
        leaves.update({f"{name} attribute {key}": str(value) for key, value in item.attrs.items()})
        if isinstance(item, h5py.Dataset):
            leaves[name] = np.asarray(item[()])

    with h5py.File(path, "r") as file:
        file.visititems(keep)
    return leaves


def _zip(path: Path) -> Leaves:
    with zipfile.ZipFile(path) as archive:
        return {
            f"entry {entry.filename}": f"{entry.CRC:08x} {entry.file_size} {entry.date_time}"
            for entry in archive.infolist()
        }


_READERS: dict[str, Callable[[Path], Leaves]] = {
    ".npz": _npz,
    ".npy": _npy,
    ".json": _json,
    ".md": _markdown,
    ".parquet": _parquet,
    ".csv": _csv,
    ".tsv": _csv,
    ".onnx": _onnx,
    ".h5": _h5,
    ".zip": _zip,
}
