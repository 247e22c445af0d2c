"""A shop's own tables and pictures, in the forms that exports have."""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from stages.common.paths import IMAGES, TEST_PRODUCTS, TRAIN_CODES, TRAIN_PRODUCTS
from stages.pictures.archive import PictureArchive
from tests.support.loopback import serve


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
        "pictures.pattern": "image_{imageid}_*{productid}.jpg",
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
