"""The prediction log: off unless asked for, of answers alone, bounded, and never in the way."""

from __future__ import annotations

import json
import logging
import stat
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from serving.classifier.prediction import Prediction, Product
from serving.classifier.reference import Reference
from serving.inference import recording
from serving.inference.drift import Window
from serving.inference.recording import Recorder
from serving.settings import Settings
from tests.support.drift import answer, window

PRODUCTS = [
    Product(f"livre secret {number}", "avec <b>texte</b>", b"picture bytes", f"p{number}")
    for number in range(6)
]
ANSWERS = [answer(number) for number in range(6)]


def record(settings: Settings, *batches: tuple[Sequence[Product], Sequence[Prediction]]) -> Window:
    """Record batches; the window they went into."""
    watched, recorder = window(), Recorder(settings)
    for products, answers in batches:
        recorder.put(watched, "hash.dir", products, answers)
    finish(recorder)
    return watched


def finish(recorder: Recorder) -> None:
    """Close, and wait for as long as it takes."""
    recorder.close()
    recorder._thread.join()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_without_a_path_there_is_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(record(Settings(), (PRODUCTS, ANSWERS))) == 6
    assert not list(tmp_path.iterdir())


def test_a_line_tells_the_answer_and_nothing_of_text_or_picture(tmp_path: Path) -> None:
    path = tmp_path / "made" / "predictions.jsonl"
    record(
        Settings(predictions_path=path), (PRODUCTS[:1], ANSWERS[:1]), (PRODUCTS[1:], ANSWERS[1:])
    )
    first, second, *_ = found = lines(path)
    assert [line["id"] for line in found] == [f"p{number}" for number in range(6)]
    assert (first["model"], first["code"], first["accepted"]) == ("hash.dir", 10, True)
    assert first["time"].endswith("+00:00")
    assert first["features"]["designation_length"] == 5
    assert second["features"]["picture_brightness"] == 81.0
    written = path.read_text("utf-8")
    assert not any(word in written for word in ("secret", "texte", "bytes"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_texts_are_there_only_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    long = Product("livre", "mot " * 10_000)
    settings = Settings(predictions_path=path, predictions_text=True)
    record(settings, ([*PRODUCTS[:5], long], ANSWERS))
    assert lines(path)[0]["designation"] == "livre secret 0"
    assert lines(path)[0]["description"] == "avec <b>texte</b>"
    assert len(lines(path)[-1]["description"]) == recording.CHARACTERS
    assert "bytes" not in path.read_text("utf-8")


def test_what_rests_on_nothing_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    nothing = Prediction(10, "", 0.5, False, "none", ANSWERS[0].probabilities)
    settings = Settings(predictions_path=path)
    assert len(record(settings, (PRODUCTS[:2], [nothing, ANSWERS[1]]))) == 1
    assert [line["id"] for line in lines(path)] == ["p1"]


def test_files_are_few_and_small_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    settings = Settings(predictions_path=path, predictions_bytes=2000, predictions_files=2)
    record(settings, *[(PRODUCTS, ANSWERS)] * 20)
    found = sorted(tmp_path.iterdir())
    assert [file.name for file in found] == [path.name, f"{path.name}.1", f"{path.name}.2"]
    assert all(file.stat().st_size <= 2000 for file in found)
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in found)
    assert all(lines(file) for file in found)


def test_a_full_disk_costs_one_message_and_no_window(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(predictions_path=Path("/dev/full"))
    watched = record(settings, *[(PRODUCTS, ANSWERS)] * 5)
    assert len(watched) == 30
    assert capsys.readouterr().err.count("error: the log cannot be written") == 1


class Said(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.getMessage()}")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the recorder says, whatever becomes of the service's log."""
    handler, logger = Said(), logging.Logger("recorder")
    logger.addHandler(handler)
    monkeypatch.setattr(recording, "logger", logger)
    return handler.lines


def test_who_puts_never_waits_and_is_told_once(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setattr(recording, "WAITING", 2)
    at_work, go_on = threading.Event(), threading.Event()

    class Slow(Window):
        def add(self, answers: Sequence[Prediction]) -> None:
            at_work.set()
            go_on.wait()
            super().add(answers)

    slow = Slow(Reference.unknown(), 100, 0.1)
    recorder = Recorder(Settings())
    recorder.put(slow, "hash.dir", PRODUCTS, ANSWERS)
    at_work.wait()
    for _ in range(5):
        recorder.put(slow, "hash.dir", PRODUCTS, ANSWERS)
    go_on.set()
    finish(recorder)
    assert len(slow) == 3 * 6
    assert said == ["WARNING answers are left out of drift and of the prediction log: too many"]


def test_a_fault_costs_the_answers_it_is_in(said: list[str]) -> None:
    bare = Prediction(10, "", 0.9, True, "text", ANSWERS[0].probabilities)
    assert len(record(Settings(), (PRODUCTS[:1], [bare]), (PRODUCTS, ANSWERS))) == 6
    assert said == ["ERROR answers are left out of drift and of the prediction log"]
