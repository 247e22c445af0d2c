"""What prepare refuses is told of the person's own file, not of the copy that is read."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from stages import prepare
from stages.common.paths import IMAGES, PREPARED, RAW, TRAIN_CODES, TRAIN_PRODUCTS
from stages.common.settings import HuggingFaceData, SampleData, UrlData
from stages.preparation.csv_table import CatalogueError
from stages.sources.sample import listings as sample
from tests.support.loopback import COMMIT, watched, write_catalogue
from tests.support.rakuten import copy_taxonomy
from tests.support.repository import ROOT


def test_the_person_s_own_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    mine = tmp_path / "mine"
    settings["data"] = {
        "source": "folder",
        "path": "../mine",
        "watched": watched(mine).model_dump(),
    }
    write_catalogue(mine)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    copy_taxonomy(tmp_path)
    monkeypatch.chdir(tmp_path)
    RAW.mkdir(parents=True)
    sample.generate(RAW, products=135, unlabelled=3, seed=1)
    content = (RAW / TRAIN_PRODUCTS).read_text(encoding="utf-8")
    (RAW / TRAIN_PRODUCTS).write_bytes(content.encode("cp1252", errors="replace"))
    with pytest.raises(CatalogueError, match=rf"^\.\./mine/{TRAIN_PRODUCTS}: it is not UTF-8"):
        prepare.prepare()


def test_a_placeholder_links_nothing_and_a_large_group_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    copy_taxonomy(tmp_path)
    monkeypatch.chdir(tmp_path)
    RAW.mkdir(parents=True)
    sample.generate(RAW, products=400, unlabelled=3, seed=1)
    whole = (RAW / IMAGES).rename(tmp_path / "whole.zip")
    with zipfile.ZipFile(whole) as every, zipfile.ZipFile(RAW / IMAGES, "w") as shown:
        names = [name for name in every.namelist() if "/image_train/" in name]
        for number, name in enumerate(names):
            shown.writestr(name, every.read(names[0] if number < 60 else name))
    products = pd.read_csv(RAW / TRAIN_PRODUCTS, index_col=0)
    codes = pd.read_csv(RAW / TRAIN_CODES, index_col=0)["prdtypecode"]
    repeated = codes.index[codes == codes.mode()[0]][:15]
    products.loc[repeated, "designation"] = "Article de notre boutique"
    products.to_csv(RAW / TRAIN_PRODUCTS)
    prepare.prepare()
    figures = json.loads(Path("metrics/data.json").read_text(encoding="utf-8"))
    assert figures["placeholders"] == 1
    assert 60 <= figures["with_placeholder"] < 65
    assert 15 <= figures["largest_group"] < 20
    assert figures["in_large_groups"] >= figures["largest_group"]
    assert figures["large_groups"] >= 1
    train = pd.read_parquet(PREPARED / "train.parquet")
    assert (train["designation"] == "Article de notre boutique").sum() == 15
    assert figures["validation"] == pytest.approx(0.12 * figures["labelled"], abs=8)
    assert figures["test"] == pytest.approx(0.1 * figures["labelled"], abs=8)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (
            UrlData(
                source="url", path="https://me:secret@host/a/?k=v", sha256={}, watched=watched()
            ),
            "https://host/a/x.csv",
        ),
        (
            HuggingFaceData(
                source="huggingface", path="a/b", revision=COMMIT, sha256={}, watched=watched()
            ),
            "a/b/x.csv",
        ),
        (
            SampleData(source="sample", products=200, unlabelled=1, seed=7, watched=watched()),
            "data/raw/x.csv",
        ),
    ],
)
def test_every_source_names_its_files_without_credentials(data: Any, named: str) -> None:
    assert data.named("x.csv") == named
