"""Sizes and brightness of pictures, and which are looked at."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from stages.exploration.looking import evenly, look_at
from stages.pictures.archive import PictureArchive
from tests.support import tiny


def test_few_are_all_looked_at_and_many_are_spread() -> None:
    assert evenly(["a", "b"], 3) == ["a", "b"]
    chosen = evenly([str(number) for number in range(1000)], 4)
    assert chosen == ["0", "250", "500", "750"]


def test_sizes_brightness_and_what_cannot_be_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as file:
        for number, data in enumerate(
            (tiny.picture("white", size=40), tiny.picture("black", size=50), b"no picture")
        ):
            file.writestr(f"images/image_train/image_{number}_product_{number}.jpg", data)
    with PictureArchive(tmp_path / "images.zip") as archive:
        seen = look_at(archive, archive.entries("image_train"), "test")
    assert seen[["width", "height"]].to_numpy().tolist() == [[40, 40], [50, 50]]
    assert seen["brightness"].tolist() == pytest.approx([1, 0], abs=0.01)
    assert (seen["bytes"] > 0).all()
