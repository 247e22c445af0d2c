"""Whatever byte DVC's own files are cut off at, `dvc repro` can read them after mending."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from dvc.lock import make_lock
from dvc.repo import Repo

from stages.commands.mend import LOCK, TABLE, broken, mend_lock, mend_table
from tests.support.repository import ROOT, clone

COMMITTED = (ROOT / "dvc.lock").read_bytes()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = clone(tmp_path / "repository")
    monkeypatch.chdir(folder)
    return folder


def test_a_cut_lock_is_either_mended_or_readable_by_dvc(repository: Path) -> None:
    mended = 0
    for length in [0, 1, *range(7, len(COMMITTED), len(COMMITTED) // 40)]:
        LOCK.write_bytes(COMMITTED[:length])
        mended += broken(LOCK.read_text(encoding="utf-8"))
        mend_lock()
        with Repo(str(repository)) as repo:
            assert repo.index.stages
            repo.dvcfs.repo.stage.load_all()
    assert mended > 10


def test_a_whole_lock_is_left_alone(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = COMMITTED + b"# a comment that is not committed\n"
    LOCK.write_bytes(text)
    mend_lock()
    mend_table()
    assert LOCK.read_bytes() == text
    assert capsys.readouterr().out == ""


def test_a_cut_lock_that_was_never_committed_is_removed(repository: Path) -> None:
    for words in (("rm", "-q", "--cached", "dvc.lock"), ("commit", "-q", "-m", "none")):
        subprocess.run(  # noqa: S603
            ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *words],  # noqa: S607
            check=True,
        )
    LOCK.write_text("schema: '2.0'\nsta", encoding="utf-8")
    mend_lock()
    assert not LOCK.exists()


@pytest.mark.parametrize("text", ["", '{"read": {"', '{"read": {}, "write": {}}'])
def test_a_cut_table_is_removed_and_a_whole_one_kept(repository: Path, text: str) -> None:
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(text, encoding="utf-8")
    mend_table()
    assert TABLE.exists() is text.endswith("}")
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "repro", "--dry", "ingest"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_table_that_a_running_dvc_edits_is_not_touched(repository: Path) -> None:
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text("", encoding="utf-8")
    with (
        make_lock(f"{TABLE}.lock", tmp_dir=str(TABLE.parent)),
        pytest.raises(Exception, match="Unable to acquire lock"),
    ):
        mend_table()
    assert TABLE.exists()
