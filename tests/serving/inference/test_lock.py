"""Locked means locked: every way in which a folder can differ from its lock."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.classifier import manifest
from serving.classifier.classifier import Classifier
from serving.inference import lock
from serving.inference.loading import load
from serving.inference.lock import (
    LockError,
    copied,
    directory_hash,
    excerpt_path,
    private_folder,
    verify,
    write_excerpt,
)
from serving.inference.model import Model
from serving.metrics import Metrics
from serving.settings import Settings
from tests.support import tiny
from tests.support.service import changed


def folder(root: Path) -> Path:
    return root / "models" / "classifier"


def message(root: Path) -> str:
    with pytest.raises(LockError) as error:
        verify(folder(root), root / "dvc.lock")
    return str(error.value)


def test_the_hash_is_dvcs() -> None:
    tree_module = pytest.importorskip("dvc_data.hashfile.tree", reason="DVC is not installed")
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.meta import Meta

    files = {"b/é.txt": "0" * 32, "a.json": "1" * 32, "B": "2" * 32}
    tree = tree_module.Tree()
    for path, md5 in files.items():
        tree.add(tuple(path.split("/")), Meta(), HashInfo("md5", md5))
    tree.digest()
    assert directory_hash(files) == tree.hash_info.value


def test_the_locked_folder_is_accepted(root: Path) -> None:
    found = verify(folder(root), root / "dvc.lock")
    assert found.hash == directory_hash(lock.md5_of_files(folder(root)))


def test_a_changed_file_is_named_with_both_hashes(root: Path) -> None:
    path = folder(root) / "fusion.json"
    expected = manifest.sha256(path)
    path.write_bytes(path.read_bytes() + b" ")
    said = message(root)
    assert all(part in said for part in ("fusion.json", expected, manifest.sha256(path)))


def test_a_missing_or_extra_file_is_named(root: Path) -> None:
    shutil.move(folder(root) / "text.onnx", root / "text.onnx")
    assert "text.onnx is missing" in message(root)
    shutil.move(root / "text.onnx", folder(root) / "text.onnx")
    (folder(root) / "more").mkdir()
    (folder(root) / "more" / "extra.py").write_bytes(b"")
    assert "more is not in the manifest" in message(root)


def test_a_forged_manifest_does_not_help(root: Path) -> None:
    locked = directory_hash(lock.md5_of_files(folder(root)))
    path = folder(root) / "fusion.json"
    path.write_bytes(path.read_bytes() + b" ")
    manifest.write(folder(root), {})
    said = message(root)
    assert locked in said
    assert "manifest.json says, that is changed" in said


@pytest.mark.parametrize(
    "text", ["", "stages: {}", "stages: [1]", ": :", "stages: {a: {outs: [x]}}"]
)
def test_a_broken_lock_is_refused(root: Path, text: str) -> None:
    (root / "dvc.lock").write_text(text, "utf-8")
    message(root)


def test_no_lock_and_no_folder_are_refused(root: Path) -> None:
    shutil.rmtree(folder(root))
    assert "is missing" in message(root)
    (root / "dvc.lock").unlink()
    assert "dvc.lock" in message(root)


def test_the_excerpt_serves_without_dvc_lock(root: Path) -> None:
    write_excerpt(folder(root), root / "dvc.lock")
    locked = verify(folder(root), root / "dvc.lock").hash
    (root / "dvc.lock").unlink()
    excerpt = excerpt_path(folder(root))
    assert verify(folder(root), excerpt).hash == locked
    (folder(root) / "labels.json").write_text("{}", "utf-8")
    with pytest.raises(LockError, match=r"labels\.json has sha256"):
        verify(folder(root), excerpt)


def test_an_excerpt_nobody_asked_for_locks_nothing(root: Path) -> None:
    write_excerpt(folder(root), root / "dvc.lock")
    (root / "dvc.lock").unlink()
    assert "dvc.lock is not there" in message(root)
    with pytest.raises(LockError, match=r"dvc\.lokc is not there"):
        verify(folder(root), root / "dvc.lokc")


def test_an_excerpt_of_another_folder_is_refused(root: Path) -> None:
    write_excerpt(folder(root), root / "dvc.lock")
    (root / "dvc.lock").unlink()
    stored = json.loads(excerpt_path(folder(root)).read_text("utf-8"))
    excerpt_path(folder(root)).write_text(json.dumps({**stored, "md5": "0.dir"}), "utf-8")
    with pytest.raises(LockError, match=r"0\.dir"):
        verify(folder(root), excerpt_path(folder(root)))


def evaluated(root: Path, **changes: str) -> dict[str, Any]:
    """Lock an evaluation of the classifier; `changes` are made to what the lock says of it."""
    figures = {"accuracy": 0.9, "accepted": {"coverage": 0.7}}
    path = root / lock.MEASURED
    path.parent.mkdir()
    path.write_text(json.dumps(figures), "utf-8")
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    content = yaml.safe_load((root / "dvc.lock").read_text("utf-8"))
    [out] = content["stages"]["export"]["outs"]
    content["stages"]["evaluate"] = {
        "deps": [{"path": "models/classifier", "md5": changes.get("classifier", out["md5"])}],
        "outs": [{"path": "metrics/evaluation.json", "md5": changes.get("metrics", md5)}],
    }
    (root / "dvc.lock").write_text(yaml.safe_dump(content), "utf-8")
    return figures


def test_what_was_measured_of_the_folder_is_known_in_a_container_too(root: Path) -> None:
    figures = evaluated(root)
    assert verify(folder(root), root / "dvc.lock").measured == figures
    write_excerpt(folder(root), root / "dvc.lock")
    assert verify(folder(root), excerpt_path(folder(root))).measured == figures


def test_the_accepted_share_that_was_measured_is_among_the_metrics(root: Path) -> None:
    evaluated(root)
    metrics = Metrics()
    model = Model(Settings(model=folder(root), lock=root / "dvc.lock"), metrics)
    asyncio.run(model.start())
    model.close()
    assert b"classifier_accepted_share_measured 0.7" in metrics.render()


@pytest.mark.parametrize("what", ["classifier", "metrics"])
def test_what_was_measured_of_another_folder_is_not_told(root: Path, what: str) -> None:
    evaluated(root, **{what: "another"})
    assert verify(folder(root), root / "dvc.lock").measured is None


def test_no_excerpt_is_written_for_a_changed_folder(root: Path) -> None:
    (folder(root) / "extra").write_text("", "utf-8")
    with pytest.raises(LockError):
        write_excerpt(folder(root), root / "dvc.lock")
    assert not excerpt_path(folder(root)).exists()
    tiny.write_lock(root)
    with pytest.raises(manifest.ManifestError, match="extra"):
        manifest.read_verified(folder(root))


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_is_named_and_not_waited_for(root: Path, kind: str) -> None:
    path = folder(root) / "labels.json"
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with private_folder() as private, pytest.raises(LockError, match=r"labels\.json is no file"):
        copied(folder(root), private)


def test_what_was_verified_is_loaded_though_the_folder_is_swapped(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Classifier.load.__func__  # type: ignore[attr-defined]
    locked = directory_hash(lock.md5_of_files(folder(root)))

    def swap_and_load(cls: type[Classifier], copy: Path, *given: Any, **options: Any) -> Classifier:
        labels = folder(root) / "labels.json"
        labels.write_text(labels.read_text("utf-8").replace("Piscine", "Swapped"), "utf-8")
        manifest.write(folder(root), {"parameters": {}})
        return read(cls, copy, *given, **options)

    monkeypatch.setattr(Classifier, "load", classmethod(swap_and_load))
    settings = Settings(model=folder(root), lock=root / "dvc.lock")
    with private_folder() as private:
        loaded = load(settings, 1, Metrics().branch_seconds, private)
    assert loaded.hash == locked
    assert loaded.classifier.labels[2583].name == "Piscine"
    loaded.classifier.close()


def test_a_hash_that_is_expected_is_demanded(root: Path) -> None:
    locked = directory_hash(lock.md5_of_files(folder(root)))
    settings = Settings(model=folder(root), lock=root / "dvc.lock", model_hash=locked)
    seconds = Metrics().branch_seconds
    with private_folder() as private:
        load(settings, 1, seconds, private).classifier.close()
    another = changed(settings, model_hash="0" * 32 + ".dir")
    with private_folder() as private, pytest.raises(LockError, match="SERVING_MODEL_HASH"):
        load(another, 1, seconds, private)


def test_who_still_writes_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with private_folder() as private:
        written = (private / "begun").open("wb")
    with written:
        written.write(b"more")
    with pytest.raises(FileNotFoundError):
        (private / "next").touch()
    assert not list(tmp_path.iterdir())
