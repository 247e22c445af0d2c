"""Catalogues of other shops are prepared as the same products in the challenge's layout are."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from stages import ingest, prepare
from stages.common.paths import (
    ARCHIVE,
    IMAGES,
    PREPARED,
    RAW,
    TEST_PRODUCTS,
    TRAIN_CODES,
    TRAIN_PRODUCTS,
)
from stages.common.settings import load
from stages.pictures.archive import PictureArchive
from stages.preparation.split import PARTS
from stages.sources.sample import listings as sample
from tests.support.loopback import serve
from tests.support.repository import ROOT
from tests.test_configuration import composed

Prepared = dict[str, list[tuple[object, ...]]]


def prepared() -> Prepared:
    """Of each part: title, description, code and the bytes of the picture of its products."""
    found: Prepared = {}
    with PictureArchive(ARCHIVE) as archive:
        for part in (*PARTS, "unlabelled"):
            table = pd.read_parquet(PREPARED / f"{part}.parquet")
            codes = table["prdtypecode"] if "prdtypecode" in table else [0] * len(table)
            pictures = [archive.read(name) if name else b"" for name in table["picture"]]
            found[part] = list(
                zip(table["designation"], table["description"], codes, pictures, strict=True)
            )
    return found


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Prepared]:
    """A catalogue in the challenge's layout, and what is prepared of it."""
    folder = tmp_path_factory.mktemp("original")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        RAW.mkdir(parents=True)
        sample.generate(RAW, products=200, unlabelled=20, seed=3)
        shutil.copy(ROOT / "params.yaml", folder)
        prepare.prepare()
        return folder / RAW, prepared()


class Shop:
    """A shop's own tables: `products` with codes, `asked` without, both with the name of the
    picture; pictures lie in `pictures`."""

    def __init__(self, raw: Path, folder: Path) -> None:
        self.folder = folder
        self.pictures = folder / "pictures"
        self.pictures.mkdir(parents=True)
        products, codes, asked = (
            pd.read_csv(raw / name, index_col=0, dtype=str, keep_default_na=False)
            for name in (TRAIN_PRODUCTS, TRAIN_CODES, TEST_PRODUCTS)
        )
        with PictureArchive(raw / IMAGES) as archive:
            names = [
                *archive.names(products, "image_train"),
                *archive.names(asked, "image_test"),
            ]
            for name in filter(None, names):
                (self.pictures / Path(name).name).write_bytes(archive.read(name))
        everything = pd.concat([products.join(codes), asked])
        self.rows = pd.DataFrame(
            {
                "Réf": [f"ref {number:03} é" for number in range(len(everything))],
                "Nom": everything["designation"],
                "Texte": everything["description"],
                "Rayon": everything["prdtypecode"].fillna(""),
                "imageid": everything["imageid"],
                "productid": everything["productid"],
                "Photo": [Path(name).name for name in names],
            }
        ).reset_index(drop=True)
        for column in ("Nom", "Texte"):  # what Latin-1 has not
            self.rows[column] = [
                text.encode("latin-1", "replace").decode("latin-1") for text in self.rows[column]
            ]

    def zipped(self) -> Path:
        path = self.folder / "pictures.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(self.pictures.iterdir()):
                archive.write(file, f"export/{file.name}")
        return path


COLUMNS = {
    "columns.index": "Réf",
    "columns.title": "Nom",
    "columns.description": "Texte",
    "columns.code": "Rayon",
}
Overrides = dict[str, object]


def latin_semicolons(shop: Shop) -> Iterator[Overrides]:
    path = shop.folder / "export.csv"
    shop.rows.to_csv(path, sep=";", encoding="latin-1", index=False)
    yield {
        "products": path,
        "encoding": "latin-1",
        "separator": "semicolon",
        "columns.picture": "Photo",
        "pictures.path": shop.pictures,
    }


def parquet_with_numbers(shop: Shop) -> Iterator[Overrides]:
    """Codes that are missing make decimals of the others."""
    path = shop.folder / "export.parquet"
    numbers = shop.rows.assign(Rayon=pd.to_numeric(shop.rows["Rayon"]))
    numbers["Texte"] = numbers["Texte"].mask(numbers["Texte"] == "", None)
    numbers["Photo"] = [[name, "other.jpg"] if name else None for name in numbers["Photo"]]
    numbers.astype({"productid": int, "imageid": int}).to_parquet(path)
    assert numbers["Rayon"].dtype == float
    yield {"products": path, "columns.picture": "Photo", "pictures.path": shop.zipped()}


def json_lines_packed(shop: Shop) -> Iterator[Overrides]:
    path = shop.folder / "export.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for row in shop.rows.to_dict("records"):
            code = float(row["Rayon"]) if row["Rayon"] else None
            file.write(json.dumps({**row, "Rayon": code}) + "\n\n")
    yield {
        "products": path,
        "pictures.path": shop.zipped(),
        "pictures.pattern": "image_{imageid}_product_{productid}",
    }


def two_tables_in_another_order(shop: Shop) -> Iterator[Overrides]:
    products, codes, asked = (shop.folder / f"{name}.tsv.zip" for name in ("p", "c", "a"))
    coded = shop.rows[shop.rows["Rayon"] != ""]

    def write(rows: pd.DataFrame, path: Path) -> None:
        rows.to_csv(path, sep="\t", encoding="utf-16", index=False)

    write(coded.drop(columns="Rayon"), products)
    write(coded[["Rayon", "Réf"]].rename(columns={"Réf": "product"})[::-1], codes)
    write(shop.rows[shop.rows["Rayon"] == ""], asked)
    yield {
        "products": products,
        "codes": codes,
        "asked": asked,
        "encoding": "utf-16",
        "separator": "tab",
        "columns.codes_index": "product",
        "columns.product_id": "productid",
        "pictures.path": shop.pictures,
        "pictures.pattern": "pictures/image_{imageid}_*{productid}.jpg".removeprefix("pictures/"),
    }


def addresses(shop: Shop) -> Iterator[Overrides]:
    with serve() as server:
        server.publish({path.name: path.read_bytes() for path in shop.pictures.iterdir()}, "/img")
        hashes = {path.name: hashlib.sha256(path.read_bytes()) for path in shop.pictures.iterdir()}
        rows = shop.rows.assign(
            Photo=[f"{server.address}/img/{name}" if name else "" for name in shop.rows["Photo"]],
            Hash=[hashes[name].hexdigest() if name else "" for name in shop.rows["Photo"]],
        )
        path = shop.folder / "export.csv"
        rows.to_csv(path, encoding="utf-8-sig", index=False)
        yield {
            "products": path,
            "columns.picture": "Photo",
            "columns.picture_sha256": "Hash",
            "pictures.hosts": f"[{server.address.removeprefix('http://')}]",
        }


def written(overrides: Overrides) -> list[str]:
    return ["data=tables"] + [
        f"data.{key}={value if str(value)[:1] == '[' else repr(str(value))}"
        for key, value in {**COLUMNS, **overrides}.items()
    ]


@pytest.mark.parametrize(
    "form",
    [
        latin_semicolons,
        parquet_with_numbers,
        json_lines_packed,
        two_tables_in_another_order,
        addresses,
    ],
)
def test_another_shop_s_catalogue_is_prepared_as_the_challenge_s_is(
    form: Callable[[Shop], Iterator[Overrides]],
    original: tuple[Path, Prepared],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    raw, expected = original
    shop = Shop(raw, tmp_path / "l'été" / "shop")
    making = form(shop)
    work = tmp_path / "work"
    work.mkdir()
    composed(work / "params.yaml", *written(next(making)))
    monkeypatch.chdir(work)
    ingest.ingest()
    told = capsys.readouterr().out
    assert "products with codes, 20 to be answered" in told
    prepare.prepare()
    found = prepared()
    for part, rows in expected.items():
        assert [of[2:] for of in found[part]] == [of[2:] for of in rows], part
        titles = [of[0].encode("latin-1", "replace").decode("latin-1") for of in rows]  # type: ignore[attr-defined]
        assert [of[0] for of in found[part]] == titles
    ids = pd.read_parquet(PREPARED / "train.parquet")["id"]
    assert ids.str.fullmatch(r"ref \d{3} é").all()
    assert sorted(path.name for path in RAW.iterdir()) == sorted(
        (TRAIN_PRODUCTS, TRAIN_CODES, TEST_PRODUCTS, IMAGES)
    )
    again = {path.name: path.read_bytes() for path in RAW.iterdir()}
    ingest.ingest()
    assert {path.name: path.read_bytes() for path in RAW.iterdir()} == again
    list(making)


def settings(path: Path) -> Any:
    return load(path).data


def test_the_files_of_tables_are_watched(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("title,code\n", encoding="utf-8")
    data = settings(composed(tmp_path / "p.yaml", "data=tables", f"data.products={tmp_path}/p.csv"))
    assert data.watched.train_products == str(tmp_path / "p.csv")
    assert data.watched.images == data.watched.train_codes == "conf/data/tables.yaml"
    assert yaml.safe_load((ROOT / "conf/data/tables.yaml").read_text("utf-8"))["source"] == "tables"
