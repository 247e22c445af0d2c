"""The whole pipeline, small and real: hundreds of rows, one epoch, in a clone of the repository."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from serving.classifier.classifier import Classifier
from serving.classifier.manifest import ManifestError
from serving.classifier.prediction import Product
from serving.listing.text import designation_key, normalise
from tests.support.repository import attempt, git, run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def repository(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(small_run, tmp_path_factory.mktemp("small") / "copy", symlinks=True)


def test_every_unlabelled_product_is_answered_in_order(repository: Path) -> None:
    asked = pd.read_csv(repository / "data/raw/X_test_update.csv", index_col=0)
    folder = repository / "data/predictions"
    with (folder / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        *("id", "productid", "imageid", "prdtypecode", "label", "confidence", "accepted")
    ]
    assert [int(row["id"]) for row in rows] == asked.index.tolist()
    assert [int(row["imageid"]) for row in rows] == asked["imageid"].tolist()
    listed = json.loads((folder / "predictions.json").read_text(encoding="utf-8"))
    assert [str(item["prdtypecode"]) for item in listed] == [row["prdtypecode"] for row in rows]


def test_metrics_tell_the_modalities_apart(repository: Path) -> None:
    figures = json.loads((repository / "metrics/evaluation.json").read_text(encoding="utf-8"))
    assert figures["products"] >= figures["text_only"]["products"] > 0
    assert figures["image_only"]["products"] > 0
    assert 0 <= figures["accepted"]["coverage"] <= 1
    assert set(figures["coverage_at"]) == {"90", "95", "98"}


def test_nothing_leaks_from_the_test_part(repository: Path) -> None:
    folder = repository / "data/prepared"
    parts = [pd.read_parquet(folder / f"{name}.parquet") for name in ("train", "validation")]
    seen, test = pd.concat(parts), pd.read_parquet(folder / "test.parquet")
    keys = {designation_key(normalise(raw)) for raw in seen["designation"]} - {""}
    assert not keys & {designation_key(normalise(raw)) for raw in test["designation"]}
    assert not set(seen["group"]) & set(test["group"])
    rejected = pd.read_csv(folder / "rejected.csv")
    assert rejected["reason"].str.contains("neither text nor picture").any()


def test_a_second_run_does_nothing_and_plots_are_drawn(repository: Path) -> None:
    assert "up to date" in run(repository, "dvc", "repro")
    run(repository, "dvc", "plots", "show", "--out", "drawn")
    page = (repository / "drawn/index.html").read_text(encoding="utf-8")
    for title in ("Confusion", "Reliability", "F1 of each code", "Coverage against precision"):
        assert title in page


def test_what_belongs_to_the_machine_is_told_and_not_tracked(repository: Path) -> None:
    before = git(repository, "status", "--porcelain")
    printed = run(repository, "stages.commands", "results", "summary")
    assert "ms at the 99th percentile" in printed
    about = json.loads((repository / "metrics/environment.json").read_text(encoding="utf-8"))
    assert about["processor"]["features"]
    assert about["versions"]["numpy"] == np.__version__
    assert 0 < about["speed"]["seconds_p50"] <= about["speed"]["seconds_p99"]
    assert git(repository, "status", "--porcelain") == before


def test_the_classifier_keeps_its_word(repository: Path, tmp_path: Path) -> None:
    folder = repository / "models/classifier"
    with Classifier.load(folder) as classifier:
        (empty, broken, read) = classifier.predict(
            [
                Product(" ", "<br>", None),
                Product("Piscine gonflable ronde", "", b"not a picture"),
                Product("<b>Piscine</b>  gonflable ronde", None, None),
            ]
        )
        assert empty.state == "none"
        assert not empty.accepted
        assert broken.state == read.state == "text"
        assert broken.image_error == "picture is no JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"
        assert np.allclose(broken.probabilities, read.probabilities, atol=1e-6)
    copied = shutil.copytree(folder, tmp_path / "classifier")
    (copied / "text.onnx").write_bytes(b"something else")
    with pytest.raises(ManifestError, match=r"text\.onnx"):
        Classifier.load(copied)


def test_damaged_weights_stop_the_export(repository: Path) -> None:
    fusion = repository / "models/fusion/fusion.json"
    weights = repository / "models/text/model.weights.h5"
    stored = weights.read_bytes()
    weights.unlink()  # a link into DVC's cache, which must not be written through
    weights.write_bytes(stored[: len(stored) // 2])
    assert attempt(repository, "stages", "export").returncode != 0
    assert fusion.exists()
