"""The pipeline with a third branch, from an encoder in a folder to served answers and reasons."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from serving.classifier.classifier import LANGUAGE_GRAPH, Classifier
from serving.classifier.explaining import explain
from serving.classifier.prediction import Product
from tests.support import encoder
from tests.support.repository import SMALL, attempt, run

pytestmark = pytest.mark.slow

OPTIONS = ("-S", "language=tuned", "-S", "language.epochs=2", "-S", "language.layers=2")


@pytest.fixture(scope="module")
def repository(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("language")
    copy = shutil.copytree(small_run, folder / "copy", symlinks=True)
    texts = pd.read_parquet(copy / "data/prepared/train.parquet")["designation"]
    encoder.write(folder / "encoder", texts[::2])  # so that some words have to be made of letters
    run(copy, "dvc", "exp", "run", *SMALL, *OPTIONS, *named(folder))
    return copy


def named(folder: Path) -> tuple[str, str]:
    """The encoder in `folder`."""
    return "-S", f"language.encoder.folder={folder / 'encoder'}"


def test_texts_are_answered_by_two_branches(repository: Path) -> None:
    with Classifier.load(repository / "models/classifier") as classifier:
        weights = {state: set(blend.weights) for state, blend in classifier.fusion.blends.items()}
        assert weights == {
            "text": {"text", "language"},
            "image": {"image"},
            "both": {"text", "language", "image"},
        }
        product = Product("Piscine gonflable ronde", "<p>Avec pompe</p>")
        logits = classifier.logits([product, Product()])
        assert set(logits.branches) == {"text", "language", "image"}
        assert logits.branches["language"][0].any()
        assert not logits.branches["language"][1].any()
        prediction, explanation = explain(classifier, product)
        assert explanation is not None
        assert {word.word for word in explanation.words} >= {"Piscine", "pompe"}
        again, empty = classifier.predict([product, Product()])
        assert np.array_equal(again.probabilities, prediction.probabilities)
        assert empty.state == "none"
    figures = json.loads((repository / "metrics/fusion.json").read_text(encoding="utf-8"))
    assert figures["both"]["language_weight"] >= 0
    assert (repository / "metrics/train_language/plots/metrics/eval/loss.tsv").exists()
    card = (repository / "metrics/model_card.md").read_text(encoding="utf-8")
    assert "encoder.repository intfloat/multilingual-e5-small" in card
    assert str(repository.parent) not in card


def test_the_frozen_encoder_takes_nothing_from_the_other_branches(repository: Path) -> None:
    before = {p: (repository / p).stat().st_mtime_ns for p in ("models/text", "models/image")}
    frozen = ("-S", "language=frozen", *named(repository.parent))
    said = run(repository, "dvc", "exp", "run", *SMALL, *frozen)
    assert "subwords" in said
    assert "language branch:" in said
    for path, time in before.items():
        assert (repository / path).stat().st_mtime_ns == time
    assert not list((repository / "metrics/train_language").rglob("*.tsv"))
    assert (repository / "models/classifier" / LANGUAGE_GRAPH).exists()


def test_an_encoder_that_is_not_there_is_refused_before_any_work(repository: Path) -> None:
    before = (repository / "params.yaml").read_bytes()
    wrong = ("-S", "language=frozen", "-S", "language.encoder.folder=../nowhere")
    done = attempt(repository, "dvc", "exp", "run", *SMALL, *wrong)
    assert done.returncode != 0
    assert "language.encoder.folder = '../nowhere': does not exist" in done.stdout + done.stderr
    assert (repository / "params.yaml").read_bytes() == before
