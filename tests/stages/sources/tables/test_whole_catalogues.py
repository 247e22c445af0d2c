"""Catalogues of other shops are prepared as the same products in the challenge's layout are."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from stages import ingest, prepare
from stages.common.paths import ARCHIVE, FILES, PREPARED, RAW
from stages.common.settings import load
from stages.pictures.archive import PictureArchive
from stages.preparation.split import PARTS
from stages.sources.sample import listings as sample
from tests.support.rakuten import copy_taxonomy
from tests.support.repository import ROOT
from tests.support.shop import (
    Overrides,
    Shop,
    addresses,
    json_lines_packed,
    latin_semicolons,
    parquet_with_numbers,
    two_tables_in_another_order,
    written,
)
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
        copy_taxonomy(folder)
        patch.chdir(folder)
        RAW.mkdir(parents=True)
        sample.generate(RAW, products=200, unlabelled=20, seed=3)
        shutil.copy(ROOT / "params.yaml", folder)
        prepare.prepare()
        return folder / RAW, prepared()


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
    raw, expected = original
    shop = Shop(raw, tmp_path / "l'été" / "shop")
    making = form(shop)
    work = tmp_path / "work"
    work.mkdir()
    composed(work / "params.yaml", *written(next(making)))
    copy_taxonomy(work)
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
    assert sorted(path.name for path in RAW.iterdir()) == sorted(FILES)
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
