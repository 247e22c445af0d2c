"""From what reviewers said to a classifier that answers so, and back to the old lock."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from serving.classifier.classifier import Classifier
from serving.classifier.prediction import Product
from stages.commands.results import dvc_lock
from tests.support import tiny
from tests.support.entries import Review, answered
from tests.support.repository import SMALL, attempt, git, run

pytestmark = pytest.mark.slow

CODE = 60
NEW = [f"Zorbulateur à vapeur {colour}" for colour in ("bleu", "vert", "noir", "gris", "mauve")]
NEW += [f"{title} modèle {size}" for title in NEW for size in ("compact", "géant", "été")]
TAKE = ("-S", "data.corrections=data/corrections")


@dataclass(frozen=True)
class Corrected:
    """A clone of the small run in which reviewers' corrections were taken."""

    repository: Path
    review: Review
    fixed: int
    """The index of a product of the catalogue that was corrected, and of training."""
    locks: tuple[bytes, bytes]
    """Without corrections, and with them."""


@pytest.fixture(scope="module")
def corrected(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Corrected:
    repository = shutil.copytree(
        small_run, tmp_path_factory.mktemp("corrected") / "copy", symlinks=True
    )
    before = (repository / dvc_lock.LOCK).read_bytes()
    train = pd.read_parquet(repository / "data/prepared/train.parquet")
    alone = train[~train["group"].duplicated(keep=False) & (train["prdtypecode"] != CODE)]
    fixed = alone.iloc[0]
    review = Review(repository / "corrections.sqlite3")
    for number, title in enumerate(NEW):
        review.say(CODE, answered(title, picture=tiny.picture() if number == 0 else None))
    review.say(CODE, answered(fixed["designation"], identifier=str(fixed["productid"])))
    run(repository, "stages.commands", "corrections", "write")
    run(repository, "dvc", "exp", "run", *SMALL, *TAKE)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "corrections taken")
    after = (repository / dvc_lock.LOCK).read_bytes()
    return Corrected(repository, review, int(fixed["id"]), (before, after))


def test_the_classifier_answers_as_reviewers_said(corrected: Corrected) -> None:
    with_corrections = Classifier.load(corrected.repository / "models" / "classifier")
    asked = [Product(title, None, None) for title in NEW]
    assert {answer.code for answer in with_corrections.predict(asked)} == {CODE}
    train = pd.read_parquet(corrected.repository / "data/prepared/train.parquet")
    codes = train.set_index("id")["prdtypecode"]
    assert codes[corrected.fixed] == CODE
    assert set(NEW) <= set(train["designation"])
    assert (train["designation"] == NEW[0]).sum() == 1
    assert train.loc[train["designation"] == NEW[0], "picture"].iloc[0].endswith(".jpg")
    figures = json.loads((corrected.repository / "metrics/data.json").read_text("utf-8"))
    assert figures["corrected"] == len(NEW) + 1


def test_the_lineage_names_the_corrections(corrected: Corrected) -> None:
    lock = dvc_lock.read(corrected.repository)
    locked = dvc_lock.outputs(lock)[dvc_lock.CLASSIFIER].hash
    told = run(corrected.repository, "stages.commands", "results", "lineage", locked)
    folder = dvc_lock.dependency(lock, "ingest", "data/corrections")
    assert f"corrections data/corrections  {folder}  ({len(NEW) + 1} products)" in told
    assert str(corrected.repository) not in corrected.locks[1].decode()


def test_a_correction_that_is_taken_back_gives_the_old_lock(corrected: Corrected) -> None:
    repository, review = corrected.repository, corrected.review
    extra = answered("Une erreur de saisie")
    review.say(2583, extra)
    run(repository, "stages.commands", "corrections", "write")
    run(repository, "dvc", "repro", "prepare")
    assert (repository / dvc_lock.LOCK).read_bytes() != corrected.locks[1]
    review.say(None, extra)
    run(repository, "stages.commands", "corrections", "write")
    assert git(repository, "status", "--porcelain", "data/corrections.dvc") == ""
    said = run(repository, "dvc", "repro")
    assert "Running stage 'ingest'" not in said  # from the run cache
    assert (repository / dvc_lock.LOCK).read_bytes() == corrected.locks[1]


def test_without_them_the_data_are_what_they_were(corrected: Corrected) -> None:
    repository = corrected.repository
    run(repository, "stages.commands", "pipeline", "params", *SMALL[1::2])
    run(repository, "dvc", "repro", "prepare")
    before, now = (
        dvc_lock.outputs(dvc_lock.parse(text.decode()))
        for text in (corrected.locks[0], (repository / dvc_lock.LOCK).read_bytes())
    )
    for path in ("data/raw", "data/prepared", "metrics/data.json"):
        assert now[path] == before[path]


def test_a_clone_need_not_have_them_before_they_are_fetched(
    corrected: Corrected, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", str(corrected.repository), "clone")
    done = attempt(
        tmp_path / "clone", "stages.commands", "pipeline", "params", *SMALL[1::2], TAKE[1]
    )
    assert done.returncode == 0, done.stderr


def test_a_folder_that_is_not_there_is_refused_before_anything_runs(
    small_run: Path, tmp_path: Path
) -> None:
    repository = shutil.copytree(small_run, tmp_path / "copy", symlinks=True)
    lock = (repository / dvc_lock.LOCK).read_bytes()
    done = attempt(repository, "dvc", "exp", "run", *SMALL, "-S", "data.corrections=data/absent")
    assert done.returncode != 0
    assert "data.corrections = 'data/absent': does not exist" in done.stderr
    assert "make corrections" in done.stderr
    assert (repository / dvc_lock.LOCK).read_bytes() == lock
