"""make drift: the log as it is being written, its classifier, what labels say of its answers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer

from serving.classifier.record import Record, RecordError
from stages.commands.__main__ import main as command_line
from stages.commands.drift import prediction_log
from stages.commands.drift.answered_quality import Quality, Share
from stages.commands.drift.report import report
from stages.commands.exit_codes import ExitCode
from stages.commands.remote import environment
from stages.commands.repository import ROOT
from stages.commands.results import dvc_lock
from stages.common.output import StageError
from tests.support import tiny
from tests.support.drift import answer
from tests.support.repository import attempt

NAMES = {str(code) for code in tiny.CODES}


def record(number: int, model: str, **changes: Any) -> Record:
    """An answer as the tiny reference has it; its product is called like its number."""
    given = answer(number)
    features = {
        "code": str(given.code),
        "evidence": given.state,
        "designation_length": 5 + number % 7,
        **({"picture_brightness": 80.0 + number % 20} if number % 2 else {}),
    }
    made: dict[str, Any] = {
        "time": f"2026-11-25T10:00:00.{number % 1000:03}+00:00",
        "model": model,
        "id": f"p{number}",
        "code": given.code,
        "confidence": given.confidence,
        "accepted": number % 3 != 0,
        "evidence": given.state,
        "features": {**features, **changes},
    }
    return Record(**made)


@pytest.fixture
def model(classifier_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder with a classifier and nothing else; its lock hash."""
    shutil.copytree(classifier_root / "models", tmp_path / "models")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(environment, "ENV_FILE", tmp_path / ".env")
    monkeypatch.delenv("SERVING_PREDICTIONS_PATH", raising=False)
    monkeypatch.delenv("SERVING_DRIFT_TOLERATED", raising=False)
    return dvc_lock.content_hash(dvc_lock.files_below(tmp_path / "models" / "classifier"))


def log(records: Sequence[Record], path: str = "predictions.jsonl") -> str:
    Path(path).write_text("".join(each.line() + "\n" for each in records), encoding="utf-8")
    return path


def main(arguments: Sequence[str]) -> int:
    """The exit code of the command with these options."""
    names = (name.removeprefix("--") for name in arguments[::2])
    options: dict[str, Any] = dict(zip(names, map(Path, arguments[1::2]), strict=True))
    if "window" in options:
        options["window"] = int(str(options["window"]))
    try:
        report(**options)
    except typer.Exit as ended:
        return ended.exit_code
    return 0


def verdicts(printed: str) -> dict[str, str]:
    """What the printed table says of each feature."""
    rows = re.findall(r"^(\w+) +\d+ .*?(DRIFT|none|fewer than 30 products) *$", printed, re.M)
    return dict(rows)


def test_nothing_is_reported_of_the_same_products(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--log", log([record(number, model) for number in range(300)])]) == 0
    told = verdicts(capsys.readouterr().out)
    assert told == {
        "code": "none",
        "evidence": "none",
        "designation_length": "none",
        "picture_brightness": "none",
    }
    page = Path("drift.md").read_text("utf-8")
    assert "picture_brightness: 0.0" in page
    for plot in re.findall(r"\]\((.+)\)", page):
        assert Path(plot).read_bytes().startswith(b"\x89PNG")
    assert len(list(Path("drift_plots").iterdir())) == 4


def test_a_shift_is_reported_with_its_feature_first(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shifted = [record(number, model, designation_length=90) for number in range(60)]
    path = log([*(record(number, model) for number in range(300)), *shifted])
    assert main(["--log", path, "--window", "60", "--output", "page.md"]) == 1
    told = verdicts(capsys.readouterr().out)
    assert next(iter(told)) == "designation_length"
    assert told.pop("designation_length") == "DRIFT"
    assert set(told.values()) == {"none"}
    assert "(DRIFT)" in Path("page.md").read_text("utf-8")


def test_what_is_tolerated_is_that_of_the_service(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log([record(number, model, designation_length=90) for number in range(60)])
    monkeypatch.setenv("SERVING_PREDICTIONS_PATH", path)
    assert main([]) == 1
    monkeypatch.setenv("SERVING_DRIFT_TOLERATED", "50")
    assert main([]) == 0


def test_rotated_files_belong_to_the_log_and_a_line_that_is_being_written_does_not(
    model: str,
) -> None:
    numbers = iter(range(100))
    for suffix in (".10", ".2", ".1", ""):
        log([record(next(numbers), model) for _ in range(3)], f"p.jsonl{suffix}")
    log([record(99, model)], "p.jsonl.old")
    with Path("p.jsonl").open("a", encoding="utf-8") as file:
        file.write(record(50, model).line()[:40])
    found = prediction_log.last(Path("p.jsonl"), None)
    assert [each.id for each in found] == [f"p{number}" for number in range(12)]
    assert [each.id for each in prediction_log.last(Path("p.jsonl"), 2)] == ["p10", "p11"]


def test_answers_of_another_classifier_are_left_out(model: str) -> None:
    path = log([record(1, "other.dir"), record(2, model), record(3, model)])
    assert [each.id for each in prediction_log.last(Path(path), None)] == ["p2", "p3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no answers"),
        ("{}\n", "line 1: no line of a prediction log"),
        ("\xff\n", "line 1: no line"),
        ('{"time": 1}\nx', "line 1"),
    ],
)
def test_what_is_no_log_is_refused_with_its_place(model: str, text: str, message: str) -> None:
    Path("p.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(StageError, match=message):
        main(["--log", "p.jsonl"])
    with pytest.raises(StageError, match="holds no answers"):
        main(["--log", "absent.jsonl"])
    assert not Path("drift.md").exists()


def test_answers_of_a_classifier_that_is_not_there_are_refused(model: str) -> None:
    path = log([record(number, "0123.dir") for number in range(60)])
    with pytest.raises(StageError, match=rf"0123\.dir.*{model}.*make lineage HASH=0123\.dir"):
        main(["--log", path])
    shutil.rmtree("models")
    with pytest.raises(StageError, match="dvc pull"):
        main(["--log", path])


@pytest.mark.parametrize(
    ("right", "status", "verdict"),
    [(2000, 0, "holds"), (1800, 1, "is broken"), (1900, 0, "is open")],
)
def test_labels_tell_the_quality_and_whether_the_promise_holds(
    model: str, capsys: pytest.CaptureFixture[str], right: int, status: int, verdict: str
) -> None:
    """The tiny classifier promises a precision of 0.95; 2,000 of 3,000 answers are accepted."""
    records = [record(number, model) for number in range(3000)]
    accepted = [each for each in records if each.accepted]
    wrong = {each.id for each in accepted[right:]}
    rows = [f"{each.id},{each.code if each.id not in wrong else 2522}" for each in records]
    Path("labels.csv").write_text("id,prdtypecode\n" + "\n".join(rows) + "\nelsewhere,10\n")
    assert main(["--log", log(records), "--labels", "labels.csv"]) == status
    printed = capsys.readouterr().out
    assert f"promised precision of 0.95: {verdict}" in printed
    assert f"{right} of 2000" in printed
    assert f"{1000 + right} of 3000" in printed
    assert "Measured quality" in Path("drift.md").read_text("utf-8")


def test_the_last_answer_about_a_product_counts(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = record(0, model), record(1, model)
    again = Record(**{**vars(second), "id": first.id})
    Path("labels.csv").write_text(f"id,prdtypecode\np0,{second.code}\n")
    main(["--log", log([first, again]), "--labels", "labels.csv"])
    assert "1 of 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("id,prdtypecode\nq1,10\n", "none of its 1 products is among the 60 answered.*p0, p1"),
        ("id,code\np1,10\n", "prdtypecode is missing"),
        (None, "labels.csv"),
    ],
)
def test_labels_that_say_nothing_are_refused(model: str, labels: str | None, message: str) -> None:
    if labels is not None:
        Path("labels.csv").write_text(labels)
    path = log([record(number, model) for number in range(60)])
    with pytest.raises(StageError, match=message):
        main(["--log", path, "--labels", "labels.csv"])


@pytest.mark.parametrize("window", ["0", "-5", "many"])
def test_a_window_is_a_number_of_products(window: str) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line(["drift", "report", "--log", "p.jsonl", f"--window={window}"])
    assert ended.value.code == ExitCode.UNUSABLE


@pytest.mark.slow
def test_the_command_says_what_is_missing_without_a_traceback(tmp_path: Path) -> None:
    done = attempt(
        *(ROOT, "stages.commands", "drift", "report"), "--log", str(tmp_path / "absent.jsonl")
    )
    assert done.returncode == ExitCode.UNUSABLE
    assert "holds no answers" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_interval_is_wilsons() -> None:
    low, high = Share(9, 10).interval
    assert [low, high] == pytest.approx([0.5958, 0.9821], abs=1e-4)
    nothing = Quality(Share(0, 3), Share(0, 0), 0.95, 0.0, 0.0)
    assert nothing.accepted.interval == (0.0, 1.0)
    assert nothing.verdict == "is open"
    assert ("right among the accepted", "no product") in nothing.rows


def test_a_record_is_read_as_it_was_written() -> None:
    written = record(7, "m.dir")
    line = written.line(designation="secret\n\ud800")
    assert "\n" not in line
    assert Record.read(line) == written
    with pytest.raises(RecordError):
        Record.read(line[:-5])
