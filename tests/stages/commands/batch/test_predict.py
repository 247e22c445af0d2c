"""A table is answered whole, in order and in little memory, or it is said why not."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stages.commands.batch import answer_rows
from stages.commands.batch.answer_rows import Outcome
from stages.commands.batch.predict import predict
from stages.commands.exit_codes import ExitCode
from stages.common.output import StageError
from tests.support import tiny
from tests.support.repository import ROOT, attempt

HEADER = ",designation,description,productid,imageid\n"
WORDS = {"piscine": "2583", "livre": "10", "jeu": "2905"}


@pytest.fixture
def table(classifier_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Products of more than one chunk, in a folder with a classifier and nothing of a pipeline."""
    shutil.copytree(classifier_root / "models", tmp_path / "models")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    rows = [f"{900 - n},{list(WORDS)[n % 3]},,{n + 1},{n + 2}" for n in range(600)]
    path = tmp_path / "new.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def answers(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_product_is_answered_in_order(
    table: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stages.common.progress.LINE_SECONDS", 0.0)
    assert predict(table) == Outcome(600, 600, 0, 0, 0)
    found = answers(table.with_name("new.predictions.csv"))
    assert list(found[0]) == [
        *("id", "productid", "imageid", "prdtypecode", "label", "confidence", "accepted")
    ]
    assert [int(row["id"]) for row in found] == [900 - n for n in range(600)]
    assert [row["prdtypecode"] for row in found] == [
        list(WORDS.values())[n % 3] for n in range(600)
    ]
    printed = capsys.readouterr()
    assert "600 products answered, 600 of them accepted" in printed.out
    assert "predict: 100 %, 600 of 600 products" in printed.err


def test_a_table_without_products_has_no_answers(table: Path) -> None:
    table.write_text(HEADER, encoding="utf-8")
    assert predict(table) == Outcome()
    assert answers(table.with_name("new.predictions.csv")) == []


def test_pictures_are_looked_at_where_they_are_given(table: Path) -> None:
    table.write_text(HEADER + "1,,,11,21\n2,,,12,22\n3,,,13,23\n4,,,14,24\n", encoding="utf-8")
    with zipfile.ZipFile("pictures.zip", "w") as archive:
        archive.writestr("image_test/image_21_product_11.jpg", tiny.picture("lime"))
        archive.writestr("image_train/image_22_product_12.jpg", tiny.picture("blue"))
        archive.writestr("image_test/image_23_product_13.jpg", b"no picture")
    outcome = predict(table, Path("pictures.zip"), Path("out.csv"))
    assert (outcome.pictures, outcome.unreadable, outcome.empty) == (3, 1, 2)
    found = answers(Path("out.csv"))
    assert [row["prdtypecode"] for row in found] == ["2583", "2905", "10", "10"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda _: Path("new.csv").unlink(), "CATALOGUE=new.csv is no file"),
        (lambda text: text.encode("utf-16"), "new.csv: it is UTF-16"),
        (lambda text: text.replace(",", ";").encode(), "new.csv: its columns are separated by"),
        (lambda text: text.replace("imageid", "image").encode(), "column imageid is missing"),
        (lambda text: text.replace(",599,600", ",599.0,600").encode(), "599.0 is a decimal"),
    ],
)
def test_what_cannot_be_answered_is_told_and_nothing_is_written(
    spoil: object, words: str, table: Path
) -> None:
    assert callable(spoil)
    content = spoil(table.read_text(encoding="utf-8"))
    if content is not None:
        table.write_bytes(content)
    before = set(Path().iterdir())
    with pytest.raises(StageError, match=words):
        predict(Path("new.csv"))
    assert set(Path().iterdir()) == before


def test_without_a_whole_classifier_it_says_how_one_is_had(table: Path) -> None:
    Path("models/classifier/labels.json").write_text(json.dumps({}), encoding="utf-8")
    with pytest.raises(StageError, match=r"labels\.json.*dvc checkout models/classifier"):
        predict(table)
    shutil.rmtree("models")
    with pytest.raises(StageError, match="no classifier in models/classifier; fetch it with"):
        predict(table)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"pictures": Path("new.csv")}, "PICTURES=new.csv: no zip archive"),
        ({"pictures": Path("gone.zip")}, "PICTURES=gone.zip: no zip archive"),
        ({"output": Path("new.csv")}, "OUTPUT=new.csv is the table itself"),
        ({"output": Path("no/such/out.csv")}, "there is no folder"),
    ],
)
def test_wrong_files_are_named_by_their_setting(
    arguments: dict[str, Path], words: str, table: Path
) -> None:
    with pytest.raises(StageError, match=words):
        predict(Path("new.csv"), **arguments)


def test_a_run_that_is_cut_off_leaves_nothing(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(answer_rows, "values", full)
    before = set(Path().iterdir())
    with pytest.raises(OSError, match="No space"):
        predict(table)
    assert set(Path().iterdir()) == before


@pytest.mark.slow
def test_without_a_table_it_says_how_it_is_used() -> None:
    done = attempt(ROOT, "stages.commands", "batch", "predict")
    assert done.returncode == ExitCode.UNUSABLE
    assert "catalogue" in done.stderr


MEASURED = """
import pathlib, resource, sys
from stages.commands.batch.predict import predict
predict(pathlib.Path(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_table(table: Path) -> None:
    def kilobytes(rows: int) -> int:
        with table.open("w", encoding="utf-8") as file:
            file.write(HEADER)
            for n in range(rows):
                file.write(f"{n},piscine,{'un mot et ' * 1000},{n},{n}\n")
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", MEASURED, str(table)],
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        return int(done.stdout.splitlines()[-1])

    small, large = kilobytes(600), kilobytes(6000)
    assert large - small < 25_000  # of 54 MB that were added to the table
