"""The data card: every figure in its place, from prepared products and an archive of pictures."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from stages import explore
from tests.support import tiny
from tests.support.rakuten import write_labels
from tests.support.repository import ROOT

COLUMNS = ["id", "designation", "description", "productid", "imageid", "prdtypecode", "picture"]
POOLS = [("Piscine ronde", "<p>Avec pompe</p>", 2583, number) for number in range(8)]
BOOKS = [("Livre rare", "", 10, number) for number in range(8, 13)]


def catalogue(folder: Path, *, pictures: bool = True) -> None:
    """Prepared products in `folder`: pools and books, one of them twice under two codes."""
    prepared = folder / "data/prepared"
    prepared.mkdir(parents=True)
    (folder / "data/raw").mkdir()
    (folder / "metrics").mkdir()
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text("utf-8"), "utf-8")
    rows = [
        (n, title, text, n, n, code, f"images/image_train/image_{n}_product_{n}.jpg" * pictures)
        for title, text, code, n in [*POOLS, *BOOKS]
    ]
    products = pd.DataFrame(rows, columns=COLUMNS)
    products["group"] = products["id"]
    products.loc[[0, 12], "group"] = 0
    products.loc[[0, 12], "designation"] = "Le même | objet"
    parts = {"train": products[:8], "validation": products[8:11], "test": products[11:]}
    parts["unlabelled"] = products.head(2).drop(columns=["prdtypecode", "group"])
    write_labels(folder)
    for name, of in parts.items():
        of.to_parquet(prepared / f"{name}.parquet", index=False)
    reasons = ["unknown code", "neither text nor picture", "unknown code"]
    pd.DataFrame({"id": [1, 2, 3], "reason": reasons}).to_csv(prepared / "rejected.csv")
    pd.DataFrame({"entry": [], "reason": []}).to_csv(prepared / "skipped_entries.csv")
    with zipfile.ZipFile(folder / "data/raw/images.zip", "w") as file:
        for n in range(13 * pictures):
            data = b"broken" if n == 4 else tiny.picture("white" if n else "black", size=60)
            file.writestr(f"images/image_train/image_{n}_product_{n}.jpg", data)


def explored(folder: Path, monkeypatch: pytest.MonkeyPatch, *, pictures: bool = True) -> str:
    catalogue(folder, pictures=pictures)
    monkeypatch.chdir(folder)
    explore.explore()
    return (folder / "metrics/data_card.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the stage ran once for all; not to be changed."""
    folder = tmp_path_factory.mktemp("explored") / "one"
    with pytest.MonkeyPatch.context() as patch:
        explored(folder, patch)
    return folder


@pytest.fixture
def card(first: Path) -> str:
    return (first / "metrics/data_card.md").read_text(encoding="utf-8")


def lines(card: str, heading: str) -> list[str]:
    return card.partition(f"\n## {heading}\n")[2].partition("\n## ")[0].splitlines()


def test_products_of_each_part_and_what_they_lack(card: str) -> None:
    told = lines(card, "Products")
    assert "| train | 8 | 0.0 % | 0.0 % | 0.0 % | 0.0 % |" in told
    assert "| validation | 3 | 0.0 % | 100.0 % | 0.0 % | 0.0 % |" in told


def test_products_of_each_code(card: str) -> None:
    told = lines(card, "Codes")
    assert "| 10 Used books | 5 | 38.5 % | 0 | 3 | 2 | 0 % | 100 % | 0 % |" in told
    assert "| 2583 Pool | 8 | 61.5 % | 8 | 0 | 0 | 0 % | 0 % | 0 % |" in told


def test_lengths_of_the_texts_there_are(card: str) -> None:
    told = lines(card, "Lengths of texts")
    assert "| description, labelled | 8 | 10 | 10 | 10 | 10 | 10 |" in told
    assert "| designation, unlabelled | 2 | 13 | 13 | 13 | 15 | 15 |" in told


def test_pictures_and_those_that_cannot_be_read(card: str) -> None:
    told = "\n".join(lines(card, "Pictures"))
    assert "Of 13 labelled pictures 13 were looked at; 1 of them cannot be read." in told
    assert "Of 0 unlabelled pictures" in told
    assert "| width, pixels, labelled | 60 | 60 | 60 | 60 | 60 |" in told
    assert "| brightness, labelled | 0.00 |" in told
    assert "| 60 x 60 | 12 | 100.0 % |" in told


def test_near_duplicates_and_how_many_stand_under_several_codes(card: str) -> None:
    told = lines(card, "Near-duplicates")
    assert "| 2 | 1 | 1 |" in told
    assert r"| Le même \| objet | 2 | 2 |" in told


def test_what_was_left_out_and_why(card: str) -> None:
    told = lines(card, "What was left out")
    assert "| unknown code | 2 |" in told
    assert "| neither text nor picture | 1 |" in told
    assert "No entry of the archive was left out." in told


def test_equal_data_give_equal_bytes_with_every_picture_that_is_shown(
    card: str, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert explored(tmp_path / "two", monkeypatch) == card
    shown = re.findall(r"\]\((data_card/[^)]+)\)", card)
    assert len(shown) == 3
    for name in shown:
        one, two = (folder / "metrics" / name for folder in (first, tmp_path / "two"))
        assert one.read_bytes() == two.read_bytes()


def test_a_catalogue_without_pictures_has_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = explored(tmp_path / "texts", monkeypatch, pictures=False)
    assert "| train | 8 | 0.0 % | 0.0 % | 0.0 % | 100.0 % |" in card
    assert "| width, pixels, labelled | – | – | – | – | – |" in card
