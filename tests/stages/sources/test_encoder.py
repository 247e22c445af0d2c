"""An encoder's files: of a hub at one commit with their hashes, or of a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.common.paths import ENCODER_FILES, TENSORS
from stages.common.settings import PretrainedEncoder
from stages.sources.encoder import files
from stages.sources.transfer import SourceError
from tests.support import encoder
from tests.support.loopback import COMMIT, REPOSITORY, Fault, Loopback, hub_path, serve

CONTENT = {name: name.encode() * 50_000 for name in ENCODER_FILES}
HASHES = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Loopback]:
    with serve() as loopback:
        monkeypatch.setenv("HF_ENDPOINT", loopback.address)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.chdir(tmp_path)
        loopback.publish_repository(CONTENT, COMMIT, kind="")
        yield loopback


def configured(**changed: object) -> PretrainedEncoder:
    pinned = {"repository": REPOSITORY, "revision": COMMIT, "sha256": HASHES}
    return encoder.settings(**pinned | changed)


def content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ENCODER_FILES}


def test_the_hub_is_asked_once_for_each_file_of_the_commit(hub: Loopback) -> None:
    assert content(files(configured())) == CONTENT
    assert content(files(configured())) == CONTENT
    assert [len(hub.transfers(hub_path(name, COMMIT, kind=""))) for name in ENCODER_FILES] == [
        1
    ] * 3


def test_a_cut_download_goes_on(hub: Loopback) -> None:
    path = hub_path(TENSORS, COMMIT, kind="")
    hub.faults[path] = Fault("cut", offset=100_000)
    assert content(files(configured())) == CONTENT
    assert hub.transfers(path) == [None, "bytes=100000-"]


def test_other_weights_than_the_pinned_ones_are_refused(hub: Loopback) -> None:
    with pytest.raises(SourceError, match=TENSORS):
        files(configured(sha256=HASHES | {TENSORS: "0" * 64}))


def test_an_unknown_file_and_an_unknown_commit_are_named(hub: Loopback) -> None:
    with pytest.raises(SourceError, match=r"language.encoder.sha256 names pytorch_model.bin"):
        files(configured(sha256={"pytorch_model.bin": "0" * 64}))
    with pytest.raises(SourceError, match=r"check language.encoder.revision"):
        files(configured(revision="0" * 40))


def test_a_folder_stands_for_the_hub(tmp_path: Path) -> None:
    for name, data in CONTENT.items():
        (tmp_path / name).write_bytes(data)
    settings = configured(folder="../encoder", watched=str(tmp_path))
    assert files(settings) == tmp_path
    (tmp_path / TENSORS).unlink()
    with pytest.raises(
        SourceError, match=r"'../encoder' lacks model.safetensors; expected a folder"
    ):
        files(settings)
