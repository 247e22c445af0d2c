"""The pictures of the data card: equal bytes whatever a person's matplotlib is set to."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import pandas as pd
import pytest

from stages.exploration.drawing import draw_codes, draw_pictures, draw_texts
from tests.support.rakuten import LABELS

COUNTS = pd.DataFrame({"train": [7, 3], "validation": [1, 0], "test": [1, 1]}, index=[10, 1280])
TEXTS = pd.DataFrame({"in_designation": [3, 40, 0], "in_description": [0, 900, 12]})
PICTURES = pd.DataFrame({"width": [500, 20], "height": [400, 30], "brightness": [0.1, 1.0]})


def draw(
    folder: Path, texts: pd.DataFrame = TEXTS, pictures: pd.DataFrame = PICTURES
) -> list[bytes]:
    folder.mkdir()
    draw_codes(COUNTS, LABELS, folder / "codes.png")
    draw_texts({"labelled": texts, "unlabelled": texts.head(0)}, folder / "texts.png")
    draw_pictures({"labelled": pictures, "unlabelled": pictures.head(0)}, folder / "pictures.png")
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def test_a_persons_style_changes_nothing(tmp_path: Path) -> None:
    before = draw(tmp_path / "before")
    with matplotlib.rc_context({"font.size": 30, "font.family": "serif", "savefig.dpi": 30}):
        assert draw(tmp_path / "after") == before


def test_no_version_is_written_into_them(tmp_path: Path) -> None:
    for picture in draw(tmp_path / "drawn"):
        assert b"matplotlib" not in picture.lower()


@pytest.mark.parametrize(("texts", "pictures"), [(TEXTS.head(0), PICTURES.head(0))])
def test_a_catalogue_without_texts_or_pictures_is_drawn(
    texts: pd.DataFrame, pictures: pd.DataFrame, tmp_path: Path
) -> None:
    assert all(each.startswith(b"\x89PNG") for each in draw(tmp_path / "drawn", texts, pictures))
