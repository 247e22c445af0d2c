"""Seconds of a stage are noted for its run, in the repository that keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.common import seconds


@pytest.fixture(autouse=True)
def somewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_ROOT", "DVC_EXP_NAME"):
        monkeypatch.delenv(name, raising=False)


def test_a_run_of_the_workspace_is_noted_there() -> None:
    seconds.note("fuse", 1.23456)
    assert seconds.noted(seconds.WORKSPACE) == {"fuse": 1.235}


def test_an_experiment_is_noted_in_the_repository_it_runs_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    monkeypatch.chdir(copy)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("DVC_EXP_NAME", "ochre-ices")
    seconds.note("fuse", 2.0)
    seconds.note("export", 3.5)
    monkeypatch.chdir(tmp_path)
    assert seconds.noted("ochre-ices") == {"export": 3.5, "fuse": 2.0}
    assert not list(copy.iterdir())


def test_a_note_that_was_cut_off_counts_for_nothing() -> None:
    seconds.note("fuse", 1.5)
    seconds.note("export", 1.5)
    (seconds.NOTES / seconds.WORKSPACE / "export.json").write_text("", encoding="utf-8")
    assert seconds.noted(seconds.WORKSPACE) == {"fuse": 1.5}


def test_no_stage_fails_for_a_note_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "tracking").write_text("in the way", encoding="utf-8")
    seconds.note("fuse", 1.5)
