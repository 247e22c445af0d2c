"""Logs: one JSON object a line, whatever is in it, in files that are rotated."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving import logs
from serving.settings import Settings

logger = logging.getLogger("serving")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """Where the service's log goes: at most about 1,000 bytes a file, two old files."""
    path = tmp_path / "made" / "serving.log"
    before = logger.handlers, logger.level, logger.propagate
    logs.configure(Settings(logger_path=path, logger_bytes=1000, logger_files=2))
    yield path
    for handler in logger.handlers:
        handler.close()
    logger.handlers, logger.level, logger.propagate = before


def test_a_record_is_one_line_that_nobody_can_forge(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logger.info('bad "name"\n{"level": "info"}', extra={"user": "é\r\n\u2028", "status": 200})
    [line] = file.read_text("utf-8").split("\n")[:-1]
    read = json.loads(line)
    assert (read["level"], read["user"], read["status"]) == ("info", "é\r\n\u2028", 200)
    assert read["message"] == 'bad "name"\n{"level": "info"}'
    assert read["time"].endswith("+00:00")


@pytest.mark.parametrize("name", ["\x1b[2J", "\x9b2J", "a\x85b", "a\u2028b", "\u202eecila", "\x00"])
def test_a_name_commands_no_terminal_and_ends_no_line(file: Path, name: str) -> None:
    logger.info("login refused", extra={"user": f"é{name}"})
    text = file.read_text("utf-8")
    assert text[:-1].isprintable()
    assert len(text.splitlines()) == 1
    assert json.loads(text)["user"] == f"é{name}"


def test_an_error_carries_its_traceback(file: Path) -> None:
    try:
        raise RuntimeError("inside")
    except RuntimeError:
        logger.exception("failed")
    assert "RuntimeError: inside" in json.loads(file.read_text("utf-8"))["exception"]


def test_files_are_rotated_and_few(file: Path) -> None:
    for number in range(100):
        logger.info("line", extra={"number": number})
    found = sorted(file.parent.iterdir())
    assert [path.name for path in found] == ["serving.log", "serving.log.1", "serving.log.2"]
    assert all(path.stat().st_size <= 1000 for path in found)
    last = file.read_text("utf-8").splitlines()[-1]
    assert json.loads(last)["number"] == 99


def test_the_file_is_its_owners_and_opened_anew_once_it_was_moved(file: Path) -> None:
    logger.info("one")
    file.rename(file.with_name("moved"))
    logger.info("two")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "one" in file.with_name("moved").read_text()
    assert "two" in file.read_text()


def test_a_full_disk_costs_one_message(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(logger_path=Path("/dev/full")), console=False)
    for _ in range(5):
        logger.info("no room")
    said = capsys.readouterr().err
    assert said.count("error: the log cannot be written") == 1
    assert "Traceback" not in said
