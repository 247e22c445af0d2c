"""What belongs to the machine is measured if it can be, and never fails a run that succeeded."""

from __future__ import annotations

import shutil
import struct
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from stages.commands.results import machine
from tests.support import tiny

NAMES = [f"images/image_train/image_{n}_product_{n}.jpg" for n in range(3)]


@pytest.fixture
def run(classifier_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a classifier and three test products with pictures."""
    shutil.copytree(classifier_root / "models", tmp_path / "models")
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "data/prepared").mkdir()
    with zipfile.ZipFile(tmp_path / "data/raw/images.zip", "w") as archive:
        for name in NAMES:
            archive.writestr(name, tiny.picture())
    pd.DataFrame({"designation": "piscine", "description": "", "picture": NAMES}).to_parquet(
        tmp_path / "data/prepared/test.parquet"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data/raw/images.zip"


def test_seconds_are_measured(run: Path) -> None:
    speed = machine.speed()
    assert 0 < speed["seconds_p50"] <= speed["seconds_p99"]


def damaged(content: bytes) -> bytes:
    """The first entry's picture is written over."""
    start = 30 + len(NAMES[0])
    return content[:start] + b"\xff" * 40 + content[start + 40 :]


def unknown_compression(content: bytes) -> bytes:
    """The first entry is said to be packed in a way that nobody knows."""
    place = content.index(b"PK\x01\x02")
    return content[: place + 10] + struct.pack("<H", 77) + content[place + 12 :]


@pytest.mark.parametrize("spoil", [damaged, unknown_compression])
def test_a_damaged_entry_is_left_out(spoil: object, run: Path) -> None:
    assert callable(spoil)
    run.write_bytes(spoil(run.read_bytes()))
    assert "seconds_p50" in machine.speed()


@pytest.mark.parametrize("lost", ["data/raw/images.zip", "models/classifier/text.onnx"])
def test_what_cannot_be_timed_says_why(lost: str, run: Path) -> None:
    Path(lost).write_bytes(b"nothing of the kind")
    reason = machine.speed()["not_measured"]
    assert reason.startswith(("BadZipFile: ", "ManifestError: "))
