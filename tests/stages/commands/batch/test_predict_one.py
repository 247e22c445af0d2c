"""One product answered in the terminal, with the reasons, or refused with what is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from serving.classifier.classifier import Classifier
from serving.classifier.prediction import Product
from stages.commands.batch.predict_one import bar, predict_one
from stages.common.output import StageError
from tests.support import tiny


@pytest.fixture(autouse=True)
def checkout(classifier_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(classifier_root / "models", tmp_path / "models")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_answer_is_that_of_the_classifier_with_its_reasons(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "picture.jpg").write_bytes(tiny.picture())
    answer = predict_one("livre ancien", "un livre", Path("picture.jpg"))
    with Classifier.load(checkout / "models" / "classifier") as classifier:
        [expected] = classifier.predict([Product("livre ancien", "un livre", tiny.picture())])
    assert answer.code == expected.code
    assert answer.confidence == pytest.approx(expected.confidence)
    printed = capsys.readouterr().out
    assert printed.startswith(f"{answer.code}  {answer.label}  (")
    assert "designation: livre" in printed
    assert "picture: " in printed


def test_a_picture_that_is_none_is_told_and_the_text_answered(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "picture.jpg").write_bytes(b"no picture")
    predict_one("livre", "", Path("picture.jpg"))
    assert capsys.readouterr().out.startswith("The picture is not used: ")


@pytest.mark.parametrize(
    ("title", "picture", "message"),
    [
        ("  ", None, "nothing to answer; expected TITLE"),
        ("<br>", None, "nothing to read"),
        ("a", Path("missing.jpg"), "PICTURE=missing.jpg is no file"),
    ],
)
def test_what_cannot_be_answered_is_told(title: str, picture: Path | None, message: str) -> None:
    with pytest.raises(StageError, match=message):
        predict_one(title, "", picture)


def test_without_a_classifier_it_says_how_to_get_one(checkout: Path) -> None:
    shutil.rmtree(checkout / "models")
    with pytest.raises(StageError, match="make one with `make repro`"):
        predict_one("livre")


def test_bars_are_as_long_as_their_share() -> None:
    assert bar(1).count("█") == 20
    assert bar(0.5) == "██████████            50.0%"
    assert bar(0).count("█") == 0
