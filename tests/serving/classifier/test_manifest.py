"""The manifest of an exported classifier: what it holds, and what it does not let pass."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from serving.classifier import manifest
from serving.classifier.manifest import NAME, ManifestError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A classifier of two files with its manifest."""
    (tmp_path / "text.onnx").write_bytes(b"graph" * 100_000)
    (tmp_path / "labels.json").write_text("{}", encoding="utf-8")
    manifest.write(tmp_path, {"parameters": {"text": "é"}, "libraries": {"numpy": "2"}})
    return tmp_path


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc" * 1_000_000)
    assert manifest.sha256(tmp_path / "file") == hashlib.sha256(b"abc" * 1_000_000).hexdigest()


def test_every_file_is_listed_with_its_hash_and_what_is_told_about_it(folder: Path) -> None:
    read = manifest.read_verified(folder)
    assert read == {
        "files": {
            "labels.json": hashlib.sha256(b"{}").hexdigest(),
            "text.onnx": hashlib.sha256(b"graph" * 100_000).hexdigest(),
        },
        "parameters": {"text": "é"},
        "libraries": {"numpy": "2"},
    }


def test_writing_again_gives_equal_bytes(folder: Path) -> None:
    first = (folder / NAME).read_bytes()
    manifest.write(folder, {"libraries": {"numpy": "2"}, "parameters": {"text": "é"}})
    assert (folder / NAME).read_bytes() == first


def test_no_manifest_is_an_error_that_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"manifest\.json.*dvc repro"):
        manifest.read_verified(tmp_path)
    with pytest.raises(ManifestError, match=r"manifest\.json"):
        manifest.read_verified(tmp_path / "nowhere")


def test_one_changed_byte_is_named_with_both_hashes(folder: Path) -> None:
    graph = folder / "text.onnx"
    before = manifest.sha256(graph)
    data = bytearray(graph.read_bytes())
    data[-1] ^= 1
    graph.write_bytes(data)
    with pytest.raises(ManifestError, match=r"text\.onnx") as caught:
        manifest.read_verified(folder)
    assert before in str(caught.value)
    assert manifest.sha256(graph) in str(caught.value)


def test_a_missing_file_and_one_that_is_not_listed_are_named(folder: Path) -> None:
    (folder / "image.onnx").write_bytes(b"")
    with pytest.raises(ManifestError, match=r"image\.onnx is not in the manifest"):
        manifest.read_verified(folder)
    (folder / "labels.json").unlink()
    with pytest.raises(ManifestError, match=r"labels\.json is missing"):
        manifest.read_verified(folder)


def test_a_name_that_leaves_the_folder_is_not_followed(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.write_bytes(b"x")
    stored = json.loads((folder / NAME).read_text(encoding="utf-8"))
    stored["files"]["../outside"] = manifest.sha256(outside)
    (folder / NAME).write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(ManifestError, match="outside is missing"):
        manifest.read_verified(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"files": []}', b"\xff\xfe"])
def test_a_damaged_manifest_is_named(folder: Path, content: bytes) -> None:
    (folder / NAME).write_bytes(content)
    with pytest.raises(ManifestError, match=r"manifest\.json|is not in the manifest"):
        manifest.read_verified(folder)
