"""What differs inside two files is named: the first leaf, by how much, and whether they agree."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.commands.results.file_diff import (
    EXACT,
    Difference,
    Tolerance,
    difference,
    differences,
)

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


def differing(first: Path, second: Path, tolerance: Tolerance) -> Difference:
    found = difference(first, second, tolerance)
    assert found is not None
    return found


def moved(by: float) -> np.ndarray:
    values = VALUES.copy()
    values[1, 2] += by
    return values


def npz(path: Path, by: float) -> None:
    np.savez(path, rows=np.arange(2), logits=moved(by))


def npy(path: Path, by: float) -> None:
    np.save(path, moved(by))


def document(path: Path, by: float) -> None:
    path.write_text(json.dumps({"a": [1, {"b": 5.0 + by}], "name": "x"}), encoding="utf-8")


def parquet(path: Path, by: float) -> None:
    pd.DataFrame({"title": ["x", "y"], "value": moved(by)[:, 2]}).to_parquet(path)


def table(path: Path, by: float) -> None:
    pd.DataFrame({"title": ["x", "y"], "value": moved(by)[:, 2]}).to_csv(path, index=False)


def graph(path: Path, by: float) -> None:
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("Add", ["x", "w"], ["y"])],
            "graph",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 3])],
            [numpy_helper.from_array(moved(by), "w")],
        )
    )
    onnx.save(model, str(path))


def weights(path: Path, by: float) -> None:
    with h5py.File(path, "w", track_order=True) as file:
        file.create_dataset("layers/dense/kernel", data=moved(by))


@pytest.mark.parametrize(
    ("write", "suffix", "leaf"),
    [
        (npz, "npz", "logits: 1 of 6 values differ, first at [1, 2]: 5.0 and 5.5, by 5.0e-01"),
        (npy, "npy", "array: 1 of 6 values differ, first at [1, 2]"),
        (document, "json", "a[1].b: 5.0 and 5.5"),
        (parquet, "parquet", "column value: 1 of 2 values differ, first at [1]"),
        (table, "csv", "column value: 1 of 2 values differ"),
        (graph, "onnx", "constant w: 1 of 6 values differ"),
        (weights, "h5", "layers/dense/kernel: 1 of 6 values differ"),
    ],
)
def test_the_first_leaf_that_differs_is_named(
    write: Callable[[Path, float], None], suffix: str, leaf: str, tmp_path: Path
) -> None:
    first, second, third = (tmp_path / f"{name}.{suffix}" for name in "abc")
    write(first, 0)
    write(second, 0.5)
    write(third, 0.0001)
    assert difference(first, first, EXACT) is None
    found = differing(first, second, Tolerance(0.001))
    assert leaf in found.words
    assert not found.agrees
    assert differing(first, third, Tolerance(0.001)).agrees
    assert not differing(first, third, EXACT).agrees


def test_equal_content_in_other_bytes_is_told_apart(tmp_path: Path) -> None:
    for name, pressed in (("a", zipfile.ZIP_STORED), ("b", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w", pressed) as archive:
            archive.writestr(zipfile.ZipInfo("x.txt"), "text" * 100, pressed)
    found = differing(tmp_path / "a.zip", tmp_path / "b.zip", EXACT)
    assert found.agrees
    assert found.words.startswith("equal content in other bytes: first at byte")


def test_an_archive_s_entry_times_count(tmp_path: Path) -> None:
    for name, year in (("a", 1980), ("b", 2026)):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr(zipfile.ZipInfo("x.txt", (year, 1, 1, 0, 0, 0)), "text")
    found = differing(tmp_path / "a.zip", tmp_path / "b.zip", EXACT)
    assert "entry x.txt" in found.words
    assert "2026" in found.words


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, "b: is new"),
        ({"a": 1, "b": 2}, {"a": 1}, "b: is gone"),
        ({"a": 1}, {"a": True}, "a: 1 and True"),
        ({"a": "x"}, {"a": "y"}, "a: 'x' and 'y'"),
        ({"a": None}, {"a": 0.0}, "a: None and 0.0"),
    ],
)
def test_what_is_not_numeric_agrees_only_when_equal(
    old: object, new: object, words: str, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(old), encoding="utf-8")
    (tmp_path / "b.json").write_text(json.dumps(new), encoding="utf-8")
    found = differing(tmp_path / "a.json", tmp_path / "b.json", Tolerance(0.5))
    assert words in found.words
    assert found.agrees is (words == "a: 1 and True")


def test_nan_equals_nan_and_shapes_are_compared(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([np.nan, 1.0]), y=np.zeros(2))
    np.savez(tmp_path / "b.npz", x=np.array([np.nan, 1.0]), y=np.zeros(3))
    found = differing(tmp_path / "a.npz", tmp_path / "b.npz", Tolerance(0.1))
    assert found.words == "y: float64 [2] and float64 [3]"
    assert not found.agrees


def test_unknown_and_unreadable_files_are_compared_by_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"abcd")
    (tmp_path / "b.bin").write_bytes(b"abxd")
    found = differing(tmp_path / "a.bin", tmp_path / "b.bin", Tolerance(1))
    assert found.words == "first at byte 2 of 4 and 4"
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    (tmp_path / "b.json").write_text("{}", encoding="utf-8")
    found = differing(tmp_path / "a.json", tmp_path / "b.json", Tolerance(1))
    assert found.words.startswith("cannot be read")
    assert not found.agrees


def test_folders_are_compared_file_by_file(tmp_path: Path) -> None:
    for name, files in (("one", "ab"), ("two", "bc")):
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / f"{file}.txt").write_text(file, encoding="utf-8")
    found = dict(differences(tmp_path / "one", tmp_path / "two", EXACT))
    assert list(found) == ["a.txt", "c.txt"]
    assert found["a.txt"].words == f"is only in {tmp_path / 'one'}"
    assert found["c.txt"].words == f"is only in {tmp_path / 'two'}"


def test_numbers_agree_within_what_is_said_and_no_more(tmp_path: Path) -> None:
    def agrees(a: float, b: float, tolerance: Tolerance) -> bool:
        for name, value in (("a", a), ("b", b)):
            (tmp_path / f"{name}.json").write_text(json.dumps({"f1": value}), encoding="utf-8")
        return differing(tmp_path / "a.json", tmp_path / "b.json", tolerance).agrees

    assert not agrees(0.84, 0.79, Tolerance(0.03))
    assert agrees(0.84, 0.81, Tolerance(0.03))
    assert not agrees(263, 264, Tolerance(0.03))
    assert agrees(100.0, 100.1, Tolerance(0.001, 0.001))
    assert not agrees(100.0, 100.2, Tolerance(0.001, 0.001))


CARD = """## Scores

Manifest: sha256 `{hash}`. {data} labelled products.

| | products | F1 |
| --- | ---: | ---: |
| all | 263 | {f1} |
| 10 Used books | 1,203 | 95.1 % |
"""


@pytest.mark.parametrize(
    ("changed", "agrees", "words"),
    [
        ({"hash": "cd" * 32}, True, "equal content in other bytes"),
        ({"hash": "cd" * 32, "f1": "0.851"}, True, "| all | # | # |: 1 of 2 values differ"),
        ({"f1": "0.79"}, False, "| all | # | # |: 1 of 2 values differ"),
        ({"data": "2,798"}, False, "by 1.0e+00 at most"),
        ({"f1": "–"}, False, "is gone"),
    ],
)
def test_a_page_is_compared_by_its_figures(
    changed: dict[str, str], agrees: bool, words: str, tmp_path: Path
) -> None:
    known = {"hash": "ab" * 32, "data": "2,799", "f1": "0.845"}
    (tmp_path / "a.md").write_text(CARD.format_map(known), encoding="utf-8")
    (tmp_path / "b.md").write_text(CARD.format_map({**known, **changed}), encoding="utf-8")
    found = differing(tmp_path / "a.md", tmp_path / "b.md", Tolerance(0.03))
    assert words in found.words
    assert found.agrees is agrees
