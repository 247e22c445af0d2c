"""What prepare refuses is told of the person's own file, not of the copy that is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from stages import prepare
from stages.common.paths import RAW, TRAIN_PRODUCTS
from stages.common.settings import HuggingFaceData, SampleData, UrlData
from stages.preparation.tables import CatalogueError
from stages.sources.sample import listings as sample
from tests.support.loopback import COMMIT, watched, write_catalogue
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
    monkeypatch.chdir(tmp_path)
    RAW.mkdir(parents=True)
    sample.generate(RAW, products=135, unlabelled=3, seed=1)
    content = (RAW / TRAIN_PRODUCTS).read_text(encoding="utf-8")
    (RAW / TRAIN_PRODUCTS).write_bytes(content.encode("cp1252", errors="replace"))
    with pytest.raises(CatalogueError, match=rf"^\.\./mine/{TRAIN_PRODUCTS}: it is not UTF-8"):
        prepare.prepare()


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
