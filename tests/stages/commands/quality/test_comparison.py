"""The comparison: what is asked of both classifiers, and that an older repository can answer it."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from serving.classifier.classifier import Classifier
from serving.classifier.prediction import Product
from stages.commands.quality import comparison, paired_tests
from stages.commands.repository import ROOT, ResultError
from stages.commands.results.revision import MissingError, StaleError, UnknownError, require_present
from tests.support import tiny
from tests.support.repository import git, run

PICTURES = [f"images/image_train/image_{n}_product_{n}.jpg" for n in range(2)]


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": range(4),
            "designation": ["Un livre à lire", "", "piscine", ""],
            "description": ["", "<p>échelle</p>", "", ""],
            "picture": ["", "", *PICTURES],
        }
    )


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """An archive with two pictures, the first of them damaged."""
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in PICTURES:
            archive.writestr(name, tiny.picture())
        entry = archive.getinfo(PICTURES[0])
    content = bytearray(path.read_bytes())
    start = entry.header_offset + 30 + len(entry.filename)
    content[start : start + 20] = b"\xff" * 20
    path.write_bytes(content)
    return path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of which nothing is there but the classifier and what serves it."""
    root = tmp_path / "repository"
    root.mkdir()
    tiny.build(root)
    shutil.copytree(ROOT / "serving", root / "serving")
    return root


@pytest.mark.slow
def test_a_repository_answers_with_its_own_serving_code(
    rows: pd.DataFrame, pictures: Path, repository: Path, tmp_path: Path
) -> None:
    products, output = tmp_path / "products.jsonl", tmp_path / "answers.npz"
    comparison.write_products(rows, pictures, products)
    answered = comparison.answers(repository, products, output)
    asked = [
        Product("Un livre à lire", "", None),
        Product("", "<p>échelle</p>", None),
        Product("piscine", "", None),  # the damaged picture is left out
        Product("", "", tiny.picture()),
    ]
    with Classifier.load(repository / "models" / "classifier") as classifier:
        expected = [classifier.predict([one])[0] for one in asked]
    assert answered["codes"].tolist() == [answer.code for answer in expected]
    np.testing.assert_allclose(answered["confidence"], [answer.confidence for answer in expected])
    assert answered["accepted"].tolist() == [answer.accepted for answer in expected]
    assert (answered["seconds"] > 0).all()

    code = repository / "serving" / "classifier" / "classifier.py"
    code.write_text(code.read_text("utf-8") + "\nraise SystemExit('its own code')\n", "utf-8")
    with pytest.raises(ResultError, match="its own code"):
        comparison.answers(repository, products, output)


@pytest.mark.slow
def test_a_repository_in_which_products_lay_beside_the_classifier_answers_too(
    rows: pd.DataFrame, pictures: Path, repository: Path, tmp_path: Path
) -> None:
    products = tmp_path / "products.jsonl"
    comparison.write_products(rows, pictures, products)
    answered = comparison.answers(repository, products, tmp_path / "answers.npz")
    (repository / "serving/classifier/prediction.py").rename(
        repository / "serving/classifier/earlier.py"
    )
    for path in (repository / "serving").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("classifier.prediction import", "classifier.earlier import"))
    again = comparison.answers(repository, products, tmp_path / "again.npz")
    assert again["codes"].tolist() == answered["codes"].tolist()


def prepared(root: Path, rows: pd.DataFrame, md5: str) -> Path:
    """A result with these test products."""
    folder = root / "data" / "prepared"
    folder.mkdir(parents=True)
    rows.to_parquet(folder / "test.parquet", index=False)
    lock = {
        "schema": "2.0",
        "stages": {"evaluate": {"cmd": "x", "deps": [{"path": comparison.TEST, "md5": md5}]}},
    }
    (root / "dvc.lock").write_text(yaml.safe_dump(lock), encoding="utf-8")
    return root


@pytest.fixture
def many() -> pd.DataFrame:
    numbers = range(300)
    return pd.DataFrame(
        {
            "id": numbers,
            "designation": [f"Livre {number}" for number in numbers],
            "description": "",
            "picture": "",
            "prdtypecode": 10,
            "group": [number // 2 for number in numbers],
        }
    )


def test_different_test_sets_are_said_to_be_so_and_compared_on_what_they_share(
    many: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = prepared(tmp_path / "mine", many[:250], "1")
    theirs = prepared(tmp_path / "theirs", many[100:].assign(group=0), "2")
    monkeypatch.setattr(comparison, "ROOT", mine)
    shared = comparison.common_rows(theirs)
    assert shared.products["id"].tolist() == list(range(100, 250))
    assert shared.products["group"].tolist() == [number // 2 for number in range(100, 250)]
    assert shared.sizes == (200, 250)
    zero = paired_tests.Interval(0.5, 0.5, 0.0, 0.0)
    told = str(
        comparison.Judgement(150, shared.name, shared.sizes, {comparison.F1: zero}, 0, 0, 1.0, 1, 1)
    )
    assert told.startswith(
        "The test sets differ: 200 products of the base, 250 of this result; compared is what they "
        "share. On the same 150 test products (sha256 "
    )
    same = comparison.common_rows(prepared(tmp_path / "same", many[:250], "1"))
    assert same.sizes is None
    assert same.name == "md5 1"


def test_too_few_shared_products_and_tables_of_old_code_are_no_baseline(
    many: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "ROOT", prepared(tmp_path / "mine", many, "1"))
    few = prepared(tmp_path / "few", many[:99], "2")
    with pytest.raises(ResultError, match="only 99 products are test products of both"):
        comparison.common_rows(few)
    old = prepared(tmp_path / "old", many.rename(columns={"designation": "title"}), "3")
    with pytest.raises(ResultError, match="has no column designation"):
        comparison.common_rows(old)


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    """A pipeline of one stage that ran."""
    root = tmp_path / "pipeline"
    root.mkdir()
    stage = {"cmd": "cp in.txt out.txt", "deps": ["in.txt"], "outs": ["out.txt"], "params": ["x"]}
    (root / "params.yaml").write_text("x: {of: 1}", encoding="utf-8")
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"copy": stage}}), encoding="utf-8")
    (root / "in.txt").write_text("one", encoding="utf-8")
    git(root, "init", "--quiet")
    run(root, "dvc", "init", "--quiet")
    run(root, "dvc", "repro", "--quiet")
    require_present(root, "it")
    return root


@pytest.mark.slow
def test_stale_missing_and_unknown_results_are_told_apart(pipeline: Path) -> None:
    (pipeline / "in.txt").write_text("two", encoding="utf-8")
    with pytest.raises(StaleError, match="copy changed since the last run"):
        require_present(pipeline, "it")
    (pipeline / "in.txt").write_text("one", encoding="utf-8")
    (pipeline / "params.yaml").write_text("x: {of: 2}", encoding="utf-8")
    with pytest.raises(StaleError, match="copy changed since the last run"):
        require_present(pipeline, "it")
    (pipeline / "params.yaml").write_text("x: {of: 1}", encoding="utf-8")
    (pipeline / "out.txt").unlink()
    with pytest.raises(MissingError, match="outputs of copy are missing"):
        require_present(pipeline, "it")
    (pipeline / "dvc.lock").write_text("<<<<<<< HEAD\n", encoding="utf-8")
    with pytest.raises(UnknownError, match="dvc status of it fails"):
        require_present(pipeline, "it")
    kinds = (ResultError, StaleError, MissingError, UnknownError)
    assert [kind.code for kind in kinds] == [3, 4, 5, 6]
