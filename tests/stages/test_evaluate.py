"""Products whose picture cannot be read are answered without it, and counted."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from serving.classifier import manifest
from serving.classifier.classifier import FUSION_FILE, LABELS_FILE
from serving.classifier.fusion import Fusion, State
from serving.listing.labels import Code, Label, Node, stored
from stages.evaluate import evaluate
from stages.predict import predict
from tests.support import tiny
from tests.support.repository import ROOT

GOOD, BROKEN, DAMAGED = (
    f"images/image_train/image_{number}_product_{number}.jpg" for number in range(1, 4)
)


@pytest.fixture
def run(classifier_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which both stages can run: of four products with a text, one has a picture, one
    bytes that are none, one an archive entry that is damaged, one nothing."""
    shutil.copytree(classifier_root / "models", tmp_path / "models")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "data" / "prepared").mkdir(parents=True)
    (tmp_path / "data" / "raw").mkdir()
    path = tmp_path / "data" / "raw" / "images.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(GOOD, tiny.picture("red"))
        archive.writestr(BROKEN, b"no picture")
        archive.writestr(DAMAGED, b"these bytes are changed")
    path.write_bytes(path.read_bytes().replace(b"these bytes are", b"those bytes are"))
    products = pd.DataFrame({"picture": [GOOD, BROKEN, DAMAGED, ""]}).assign(
        id=range(4), productid=1, imageid=1, designation="livre", description="", prdtypecode=10
    )
    products["group"] = products["id"]
    for part in ("test", "unlabelled"):
        products.to_parquet(tmp_path / "data" / "prepared" / f"{part}.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def evaluation(run: Path) -> dict[str, Any]:
    return json.loads((run / "metrics" / "evaluation.json").read_text(encoding="utf-8"))


def test_pictures_that_cannot_be_read_are_counted(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate()
    assert evaluation(run)["unreadable_pictures"] == 2
    assert "2 pictures cannot be read" in capsys.readouterr().out
    predict()
    assert "3 have a picture, 2 of which cannot be read" in capsys.readouterr().out


def test_without_an_image_branch_no_picture_is_missed(run: Path) -> None:
    folder = run / "models" / "classifier"
    (folder / "image.onnx").unlink()
    manifest.write(folder, {"parameters": {}, "libraries": {}})
    evaluate()
    assert evaluation(run)["unreadable_pictures"] == 0


@pytest.mark.parametrize(("code", "accepted"), [("10", 1), ("2583", 4)])
def test_a_code_that_is_never_accepted_is_neither_when_measured_nor_when_asked(
    code: str, accepted: int, run: Path
) -> None:
    """All are answered with 10, and one has a picture besides."""
    path = run / "models" / "classifier" / FUSION_FILE
    replace(Fusion.read(path), code_thresholds={"text": {code: 2.0}}).write(path)
    manifest.write(path.parent, {"parameters": {}, "libraries": {}})
    evaluate()
    assert evaluation(run)["accepted"]["accepted"] == accepted
    predict()
    figures = json.loads((run / "metrics" / "predictions.json").read_text(encoding="utf-8"))
    assert figures["accepted"] == accepted


def test_levels_are_scored_and_written_with_the_predictions(run: Path) -> None:
    """All are answered with 10, which may not stand; two stand under what two of the codes do."""
    folder = run / "models" / "classifier"
    above = (Node(1, "Loisirs", "Leisure"),)
    labels: dict[Code, Label] = {
        10: Label("Livres", "Books", above),
        2583: Label("Piscine", "Pool"),
    }
    labels[2905] = Label("Jeux", "Games", above)
    (folder / LABELS_FILE).write_text(json.dumps(stored(labels)), encoding="utf-8")
    never: dict[State, float] = {"text": 2.0, "both": 2.0}
    fusion = replace(Fusion.read(folder / FUSION_FILE), thresholds=never)
    replace(fusion, level_thresholds={"text": (0.5,), "both": (2.0,)}).write(folder / FUSION_FILE)
    manifest.write(folder, {"parameters": {}, "libraries": {}})
    evaluate()
    assert evaluation(run)["accepted"]["accepted"] == 0
    (level,) = evaluation(run)["levels"].values()
    assert level["accuracy"] == 1
    assert (level["stand_here"]["accepted"], level["stand_here"]["accepted_right"]) == (3, 3)
    predict()
    table = pd.read_csv(run / "data/predictions/predictions.csv")
    assert set(table["path"]) == {"Loisirs > Livres"}
    assert table["accepted_as"].tolist()[1:] == [1, 1, 1]
    assert np.isnan(table["accepted_as"][0])
    listed = json.loads((run / "data/predictions/predictions.json").read_text(encoding="utf-8"))
    assert [row["accepted_as"] for row in listed] == [None, 1, 1, 1]
