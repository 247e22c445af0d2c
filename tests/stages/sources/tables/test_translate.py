"""What becomes of rows and pictures, and that a fault leaves nothing behind."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from dvc.exceptions import DvcException

from stages.common.paths import FILES, IMAGES, TEST_PRODUCTS, TRAIN_CODES, TRAIN_PRODUCTS
from stages.common.settings import TablesData, load
from stages.sources.tables import translate
from stages.sources.transfer import SourceError
from tests.test_configuration import composed

TABLE = """ref,title,code,photo,hash
a,Livre,10,"1.jpg|2.jpg",
b,"Jeu\rde ""société""\nrare",1281.0,1.jpg,
,Sans index,10,,
d,À classer,,2.jpg,
e,Perdu,10,absent.jpg,
f,de trop,10,1.jpg,,
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "p").mkdir(parents=True)
    for name in ("1.jpg", "2.jpg"):
        (folder / "p" / name).write_bytes(name.encode())
    (folder / "t.csv").write_text(TABLE, encoding="utf-8", newline="")
    return folder


def settings(shop: Path, *overrides: str) -> TablesData:
    given = [f"data.{each}" for each in overrides]
    table = f"data.products={shop / 't.csv'}"
    data = load(composed(shop / "params.yaml", "data=tables", table, *given)).data
    assert isinstance(data, TablesData)
    return data


WITH_PICTURES = ("columns.index=ref", "columns.picture=photo", "pictures.between=bar")


def fetch(shop: Path, *overrides: str) -> tuple[Path, translate.Found]:
    raw = shop / "raw"
    raw.mkdir(exist_ok=True)
    return raw, translate.fetch(settings(shop, *overrides), raw, shop / "download")


def table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False).rename(columns={"Unnamed: 0": "id"})


def test_rows_and_pictures_of_one_table(shop: Path) -> None:
    raw, found = fetch(shop, *WITH_PICTURES, f"pictures.path={shop / 'p'}")
    products, asked = table(raw / TRAIN_PRODUCTS), table(raw / TEST_PRODUCTS)
    assert products["id"].tolist() == ["a", "b", "", "e", "f"]
    assert products["designation"][1] == 'Jeu\rde "société"\nrare'
    assert products["productid"].tolist() == products["id"].tolist()
    assert products["reason"].tolist() == ["", "", "", "", "line 9 has 6 values of 5"]
    assert table(raw / TRAIN_CODES).to_numpy().tolist() == [
        ["a", "10"],
        ["b", "1281.0"],  # not all codes of the column are decimals
        ["", "10"],
        ["e", "10"],
        ["f", "10"],
    ]
    assert asked["id"].tolist() == ["d"]
    with zipfile.ZipFile(raw / IMAGES) as archive:
        shown = [archive.read(name) if name else b"" for name in products["picture"]]
        assert shown == [b"1.jpg", b"1.jpg", b"", b"", b"1.jpg"]
        assert archive.read(asked["picture"][0]) == b"2.jpg"
        assert len(archive.namelist()) == 2, "a picture that several products show is there once"
    assert str(found).splitlines() == [
        "5 products with codes, 1 to be answered",
        "2 pictures of 4 products",
        "1 products have several pictures, of which the first counts",
        "1 pictures are named and cannot be had, such as absent.jpg",
    ]


def test_without_index_and_pictures_rows_are_numbered(shop: Path) -> None:
    (shop / "asked.csv").write_text("title\nNeuf\n", encoding="utf-8")
    raw, found = fetch(shop, f"asked={shop / 'asked.csv'}")
    assert table(raw / TRAIN_PRODUCTS)["id"].tolist() == list("012345")
    assert table(raw / TRAIN_CODES)["id"].tolist() == list("01245"), "3 has no label"
    assert table(raw / TEST_PRODUCTS)["id"].tolist() == ["6"]
    assert (found.pictures, found.asked) == (0, 1)


def test_values_that_would_stand_for_any_name_find_no_picture(shop: Path) -> None:
    rows = "ref,title,code\n*,Livre,10\n1,Livre,10\n,Livre,10\n../p/2,Livre,10\n"
    (shop / "t.csv").write_text(rows, encoding="utf-8")
    raw, _ = fetch(shop, f"pictures.path={shop / 'p'}", "pictures.pattern='{ref}*'")
    assert [bool(name) for name in table(raw / TRAIN_PRODUCTS)["picture"]] == [
        *(False, True, False, False)
    ]


def test_a_picture_is_held_to_its_hash(shop: Path) -> None:
    more = (*WITH_PICTURES, "columns.picture_sha256=hash", f"pictures.path={shop / 'p'}")
    rows = "ref,title,code,photo,hash\na,Livre,10,1.jpg,{}\n"
    right = hashlib.sha256(b"1.jpg").hexdigest().upper()
    (shop / "t.csv").write_text(rows.format(right), encoding="utf-8")
    raw, found = fetch(shop, *more)
    assert found.pictured == 1
    before = {path.name: path.read_bytes() for path in raw.iterdir()}
    for wrong in ("0" * 64, "md5"):
        (shop / "t.csv").write_text(rows.format(wrong), encoding="utf-8")
        with pytest.raises(SourceError, match=f"is not the picture whose sha256 is '{wrong}'"):
            fetch(shop, *more)
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == before
    assert set(before) == set(FILES)


def test_hosts_that_are_not_allowed_are_not_asked(shop: Path) -> None:
    (shop / "t.csv").write_text(
        "title,code,photo\nLivre,10,https://cdn.shop.example/1.jpg?key=secret\n", encoding="utf-8"
    )
    with pytest.raises(SourceError, match=r"1 at cdn\.shop\.example") as refused:
        fetch(shop, "columns.picture=photo")
    assert "-S 'data.pictures.hosts=[cdn.shop.example]'" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert list((shop / "raw").iterdir()) == []
    assert not (shop / "download").exists()


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["products=no.csv"], "data.products = 'no.csv': does not exist"),
        (["products=README.md"], "data.products = 'README.md': expected a table called .csv,"),
        (["codes={}/t.csv"], "data.codes is a table of its own, so that columns.index must name"),
        (["encoding=utf8"], "data.encoding = 'utf8': Input should be 'utf-8', 'utf-16', 'latin-1'"),
        (["separator=';'"], "data.separator = ';': Input should be 'comma', 'semicolon', 'tab' or"),
        (["pictures.pattern='{a}'"], "data.pictures.pattern is set and path is not"),
        (["pictures.path={}", "pictures.pattern=x"], "pattern 'x' names no column"),
        (["pictures.path={}"], "neither columns.picture nor pictures.pattern says which picture"),
        (["pictures.path={}/no"], "data.pictures.path = '"),
        (["columns.title=null"], "data.columns names neither title nor description"),
        (["columns.picture_sha256=x"], "picture_sha256 is set and picture is not"),
        (
            ["pictures.path={}", "columns.picture=a", "pictures.pattern='{{a}}'"],
            "columns.picture and pictures.pattern are both set",
        ),
        (["pictures.hosts=cdn.example"], "data.pictures.hosts = 'cdn.example': Input should be a"),
        (
            ["columns.titel=x"],
            "data.columns.titel is no setting; expected one of data.columns.code",
        ),
    ],
)
def test_wrong_settings_are_told_in_one_line(overrides: list[str], words: str, shop: Path) -> None:
    given = [each.format(shop) if "{}" in each or "{{" in each else each for each in overrides]
    with pytest.raises(DvcException) as refused:
        settings(shop, *given)
    assert words in str(refused.value)
