"""One stage on its own: run, passed over, or waiting for another DVC."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.lock import Lock
from dvc.repo import Repo

from stages.commands.exit_codes import CommandError
from stages.commands.schedule import run_stage
from tests.support.repository import ROOT

pytestmark = pytest.mark.slow

PIPELINE = """
stages:
  first: {cmd: cp a b, deps: [a], outs: [b]}
  second: {cmd: cp b c && test ! -e broken, deps: [b], outs: [c]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pipeline of two stages."""
    monkeypatch.chdir(tmp_path)
    Repo.init(str(tmp_path), no_scm=True).close()
    (tmp_path / "dvc.yaml").write_text(PIPELINE, encoding="utf-8")
    (tmp_path / "a").write_text("1", encoding="utf-8")
    return tmp_path


def test_it_says_whether_the_stage_ran(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="dvc")
    assert run_stage.reproduce("first", folder)
    assert (folder / "b").read_text("utf-8") == "1"
    assert not (folder / "c").exists(), "a single stage"
    assert not run_stage.reproduce("first", folder)
    assert "didn't change" in caplog.text
    (folder / "broken").touch()
    with pytest.raises(CommandError, match=r"failed to reproduce 'second'.*exited with 1"):
        run_stage.reproduce("second", folder)
    (folder / "broken").unlink()
    assert run_stage.reproduce("second", folder)
    (folder / "c").unlink()
    assert run_stage.reproduce("second", folder), "from the cache, but it was not there"
    assert (folder / "c").read_text("utf-8") == "1"


def test_it_waits_for_another_dvc(folder: Path) -> None:
    other = Lock(str(folder / ".dvc" / "tmp" / "lock"))
    other.lock()
    code = (
        "import sys, pathlib; from stages.commands.schedule.run_stage import reproduce; "
        f"sys.exit(not reproduce('first', pathlib.Path({str(folder)!r})))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as waiting:  # noqa: S603
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(8)  # alone, DVC gives up after three seconds
        other.unlock()
        assert waiting.wait(60) == 0
    assert (folder / "b").exists()


def test_it_waits_for_a_stage_that_is_at_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    at_work = folder / ".dvc" / "tmp" / "rwlock"
    writing = {str(folder / "b"): {"pid": os.getpid(), "cmd": "dvc repro"}}
    at_work.write_text(json.dumps({"write": writing}), encoding="utf-8")
    monkeypatch.setattr("time.sleep", lambda _: at_work.unlink())
    assert run_stage.reproduce("first", folder)
    assert "is busy" in capfd.readouterr().out
    assert (folder / "b").exists()
