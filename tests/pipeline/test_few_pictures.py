"""The whole pipeline on a catalogue where hardly a product has a picture."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from serving.classifier.classifier import Classifier
from serving.classifier.prediction import Product
from stages.common.paths import IMAGES
from stages.sources.sample import listings as sample
from tests.support.repository import SMALL, clone, run

pytestmark = pytest.mark.slow

PICTURES = 30


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = clone(tmp_path_factory.mktemp("few") / "repository")
    catalogue = folder.parent / "catalogue"
    catalogue.mkdir()
    sample.generate(catalogue, products=400, unlabelled=20, seed=3)
    whole = (catalogue / IMAGES).rename(folder.parent / "whole.zip")
    with zipfile.ZipFile(whole) as every, zipfile.ZipFile(catalogue / IMAGES, "w") as few:
        for name in [name for name in every.namelist() if "image_train/" in name][:PICTURES]:
            few.writestr(name, every.read(name))
    run(
        *(folder, "dvc", "exp", "run", "-S", "data=folder", "-S", f"data.path={catalogue}"),
        *SMALL[4:],
    )
    return folder


def test_a_product_with_both_is_answered_by_its_text(repository: Path) -> None:
    figures = json.loads((repository / "metrics/fusion.json").read_text(encoding="utf-8"))
    assert figures["both"]["products"] < PICTURES
    assert figures["both"]["learnt_from"] == "too few products: as a text alone"
    assert figures["image"]["learnt_from"] == "too few products: as trained"
    picture = zipfile.ZipFile(repository / "data/raw" / IMAGES)
    shown = picture.read(picture.namelist()[0])
    title = "Piscine gonflable ronde"
    with Classifier.load(repository / "models/classifier") as classifier:
        alone, both = classifier.predict([Product(title, "", None), Product(title, "", shown)])
    assert both.state == "both"
    assert np.allclose(alone.probabilities, both.probabilities)
    assert both.confidence > 2 * max(classifier.fusion.prior)
    card = (repository / "metrics/model_card.md").read_text(encoding="utf-8")
    assert "too few products: as a text alone" in card
