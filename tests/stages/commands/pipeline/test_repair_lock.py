"""What was cut off is mended, at whatever byte; what a person must decide stops the run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo

from stages.commands.exit_codes import CommandError
from stages.commands.pipeline.repair_lock import (
    LOCK,
    cut_off,
    fault,
    restore_lock,
)
from tests.support.repository import ROOT, attempt, clone, git

COMMITTED = (ROOT / "dvc.lock").read_bytes()
KEPT = Path("dvc.lock.cut-off")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = clone(tmp_path / "repository")
    monkeypatch.chdir(folder)
    return folder


def test_a_cut_lock_is_either_mended_or_readable_by_dvc(repository: Path) -> None:
    mended = 0
    assert readable(repository)
    for length in [0, 1, *range(7, len(COMMITTED), len(COMMITTED) // 7)]:
        LOCK.write_bytes(COMMITTED[:length])
        cut = fault(COMMITTED[:length]) is not None
        mended += cut
        restore_lock()
        assert KEPT.exists() is cut
        if cut:
            assert LOCK.read_bytes() == COMMITTED
            assert KEPT.read_bytes() == COMMITTED[:length]
            KEPT.unlink()
        else:
            assert readable(repository)
    assert mended > 2


def readable(repository: Path) -> bool:
    """Whether DVC reads its stages and their lock; it raises what it does not understand."""
    with Repo(str(repository)) as repo:
        repo.dvcfs.repo.stage.load_all()
        return bool(repo.index.stages)


def test_wherever_it_is_cut_it_is_taken_for_cut() -> None:
    """In every way in which a stage may end: between, in and after its keys."""
    text = (
        "schema: '2.0'\nstages:\n  one:\n    cmd: run\n    deps:\n    - path: é.csv\n"
        "      hash: md5\n      md5: 01ab\n      size: 3\n    params:\n      params.yaml:\n"
        "        data:\n          path: 'a  b'\n          sizes:\n          - 1\n    outs:\n"
        "    - path: out\n      hash: md5\n      md5: 4567.dir\n      size: 4\n      nfiles: 2\n"
    ).encode()
    assert fault(text) is None
    for length in range(len(text)):
        assert fault(text[:length]) is None or cut_off(text[:length]), text[:length]


def test_what_was_kept_before_is_never_written_over(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = [COMMITTED[:number] for number in (5, 6, 7)]
    for text in lost:
        LOCK.write_bytes(text)
        restore_lock()
    names = [KEPT, Path(f"{KEPT}1"), Path(f"{KEPT}2")]
    assert [name.read_bytes() for name in names] == lost
    assert git(repository, "status", "--porcelain") == ""
    said = capsys.readouterr().out.splitlines()
    assert all(str(name) in line for name, line in zip(names, said, strict=True))


def test_a_whole_lock_is_left_alone(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = COMMITTED + b"# a comment that is not committed\n"
    LOCK.write_bytes(text)
    restore_lock()
    assert LOCK.read_bytes() == text
    assert capsys.readouterr().out == ""


def test_a_cut_lock_that_was_never_committed_is_removed(repository: Path) -> None:
    git(repository, "rm", "-q", "--cached", "dvc.lock")
    git(repository, "commit", "-q", "-m", "none")
    LOCK.write_text("schema: '2.0'\nsta", encoding="utf-8")
    restore_lock()
    assert not LOCK.exists()
    assert KEPT.read_text(encoding="utf-8") == "schema: '2.0'\nsta"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace(b"    deps:\n", b"    deps: [\n", 1),
        lambda text: text.replace(b"    outs:\n", b"    out:\n", 1),
        lambda text: text.replace(b"schema: '2.0'", b"schema: '1.0'"),
        lambda text: text + text[text.index(b"  prepare:") :],
        lambda text: b"nothing of DVC\n" * 9,
    ],
    ids=["yaml", "key", "schema", "twice", "other"],
)
def test_a_lock_that_is_broken_elsewhere_is_left_with_advice(
    spoil: Callable[[bytes], bytes], repository: Path
) -> None:
    spoilt = spoil(COMMITTED)
    LOCK.write_bytes(spoilt)
    with pytest.raises(CommandError, match=r"left as it is: .*\n.*\n  git checkout HEAD"):
        restore_lock()
    assert LOCK.read_bytes() == spoilt
    assert not KEPT.exists()
    git(repository, "checkout", "HEAD", "--", "dvc.lock")
    restore_lock()


def conflict(repository: Path, name: str) -> None:
    """Merge a branch that changed the same line of `name` in another way."""
    before = Path(name).read_text(encoding="utf-8")
    first = before.splitlines()[-1]
    main = git(repository, "branch", "--show-current").strip()
    for branch, line in (("other", f"{first}1"), (main, f"{first}2")):
        git(repository, "checkout", "-q", *(["-b"] if branch == "other" else []), branch)
        Path(name).write_text(before.replace(first, line), encoding="utf-8")
        git(repository, "commit", "-q", "-a", "-m", branch)
    with pytest.raises(subprocess.CalledProcessError):
        git(repository, "merge", "-q", "other")


def refusal(repository: Path, name: str) -> str:
    """What the run says that `name` stops; the file stays as it is."""
    before = Path(name).read_bytes()
    done = attempt(repository, "stages.commands", "pipeline", "repair-lock")
    assert done.returncode == 1
    assert done.stderr.startswith(f"pipeline repair-lock: {name} holds an unresolved merge"), (
        done.stderr
    )
    assert Path(name).read_bytes() == before
    assert not KEPT.exists()
    return done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dvc.lock", "dvc.yaml", "params.yaml"])
def test_a_conflict_stops_until_one_side_is_taken(name: str, repository: Path) -> None:
    conflict(repository, name)
    lines = refusal(repository, name).splitlines()
    advice = [line.partition("#")[0].split() for line in lines if "  git" in line]
    for _, *words in advice:
        git(repository, *words)
    assert attempt(repository, "stages.commands", "pipeline", "repair-lock").returncode == 0


def test_a_lock_that_was_committed_with_a_marker_is_not_taken_for_cut(repository: Path) -> None:
    marked = COMMITTED + b">>>>>>> other\n"
    LOCK.write_bytes(marked)
    git(repository, "commit", "-q", "-a", "-m", "marked")
    with pytest.raises(CommandError, match="left as it is"):
        restore_lock()
    assert LOCK.read_bytes() == marked


@pytest.mark.slow
def test_a_file_without_markers_that_git_calls_unmerged_stops_too(repository: Path) -> None:
    Path(".gitattributes").write_text("dvc.lock binary\n", encoding="utf-8")
    git(repository, "add", ".gitattributes")
    git(repository, "commit", "-q", "-m", "attributes")
    conflict(repository, "dvc.lock")
    assert "git add dvc.lock" in refusal(repository, "dvc.lock")


@pytest.mark.slow
def test_make_repro_runs_nothing_during_a_merge(repository: Path) -> None:
    conflict(repository, "dvc.lock")
    Path(".venv").symlink_to(sys.prefix)
    done = subprocess.run(
        ["make", "--old-file=.venv/installed", "repro"],  # noqa: S607
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "dvc.lock holds an unresolved merge" in done.stderr
    assert "Running stage" not in done.stdout + done.stderr
