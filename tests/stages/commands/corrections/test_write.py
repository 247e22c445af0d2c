"""make corrections: the folder that DVC tracks, whole or not at all, and what is told of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stages.commands.corrections import folder
from stages.commands.exit_codes import ExitCode
from stages.commands.results import dvc_lock
from tests.support.entries import Review, answered
from tests.support.repository import ENVIRONMENT, attempt, clone, git

CORRECTIONS = Path("data/corrections")


@pytest.fixture(scope="module")
def cloned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def repository(cloned: Path, tmp_path: Path) -> Path:
    return shutil.copytree(cloned, tmp_path / "repository", symlinks=True)


@pytest.fixture
def review(repository: Path) -> Review:
    """The database that the service has by default: in the repository, ignored by git."""
    return Review(repository / "corrections.sqlite3")


def write(repository: Path, *options: str, **given: str) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, **given}
    environment.pop("CORRECTIONS_DATABASE", None)
    return attempt(repository, "stages.commands", "corrections", "write", *options, env=environment)


def tracked(repository: Path) -> str:
    text = (repository / "data/corrections.dvc").read_text(encoding="utf-8")
    md5: str = yaml.safe_load(text)["outs"][0]["md5"]
    return md5


def present(repository: Path) -> str:
    return dvc_lock.content_hash(dvc_lock.files_below(repository / CORRECTIONS))


@pytest.mark.slow
def test_corrections_are_written_tracked_and_told(repository: Path, review: Review) -> None:
    review.say(2583, answered("Piscine", identifier="7"))
    review.say(10, answered("Roman", code=10))
    review.say(2583, answered("Disputé"), by="alice")
    review.say(10, answered("Disputé"), by="bob")
    done = write(repository)
    assert done.returncode == 0, done.stderr
    assert "2 corrections, of which 1 changed the answer; 1 conflicts" in done.stdout
    assert "alice" in done.stdout
    assert "bob" in done.stdout
    assert "set data.corrections" in done.stdout
    assert tracked(repository) == present(repository)
    assert "data/corrections/" not in git(repository, "status", "--porcelain", "--untracked=all")
    assert "data/corrections.dvc" in git(repository, "status", "--porcelain")
    for path in (repository / CORRECTIONS).rglob("*.csv"):
        assert "alice" not in path.read_text("utf-8")

    again = write(repository)
    assert "is as it was" in again.stdout
    first = present(repository)

    review.say(2705, answered("Carafe"))
    done = write(repository, "--at-least", "2")
    assert done.returncode == ExitCode.SKIPPED
    assert "1 of them are new, changed or taken back; 2 are waited for" in done.stdout
    assert present(repository) == first
    assert write(repository, "--at-least", "1").returncode == 0
    assert tracked(repository) == present(repository) != first

    review.say(None, answered("Carafe"))
    assert write(repository).returncode == 0
    assert tracked(repository) == present(repository) == first


@pytest.mark.slow
def test_nothing_to_write_is_said(repository: Path) -> None:
    done = write(repository)
    assert done.returncode == ExitCode.NOTHING
    assert "there are no corrections yet" in done.stderr
    assert write(repository, "--at-least", "1").returncode == ExitCode.SKIPPED
    assert not (repository / CORRECTIONS).exists()
    assert not (repository / "corrections.sqlite3").exists()
    review = Review(repository / "corrections.sqlite3")
    assert write(repository).returncode == ExitCode.NOTHING
    review.say(2583)
    assert write(repository).returncode == 0


@pytest.mark.slow
def test_another_database_is_named_and_no_password_is_told(
    repository: Path, tmp_path: Path
) -> None:
    other = Review(tmp_path / "l'autre.sqlite3")
    other.say(2583)
    assert write(repository, DATABASE=other.address).returncode == 0
    for address, message in (
        ("mysql://me:secret@host/db", "expected sqlite:///file"),
        ("postgresql+psycopg://me:secret@127.0.0.1:1/db", "postgresql"),
    ):
        done = write(repository, DATABASE=address)
        assert done.returncode == ExitCode.UNUSABLE
        assert message in done.stderr
        assert "secret" not in done.stderr
        assert "Traceback" not in done.stderr
    (tmp_path / "broken.sqlite3").write_bytes(b"no database, by no means" * 100)
    done = write(repository, DATABASE=f"sqlite:///{tmp_path / 'broken.sqlite3'}")
    assert done.returncode == ExitCode.UNUSABLE
    assert "file is not a database" in done.stderr


KILLED = """
import os, signal, sys
from pathlib import Path
from stages.commands.corrections import folder
at, seen = int(sys.argv[1]), 0

def kill(event, arguments):
    global seen
    if event in ("open", "os.rename", "os.mkdir", "shutil.rmtree") and any(
        "corrections" in str(each) for each in arguments
    ):
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill)
folder.replace(Path(), Path("data/corrections"), {"corrections.csv": b"new", "pictures/a": b"b"})
print(seen)
"""
"""Replaces the folder, and is killed at the n-th thing that it does to a file."""


def test_killed_anywhere_it_is_the_old_folder_or_the_new_one(tmp_path: Path) -> None:
    new = {"corrections.csv": b"new", "pictures/a": b"b"}
    old = {"corrections.csv": b"old"}
    found = []
    for at in range(1, 100):
        (tmp_path / CORRECTIONS).mkdir(parents=True, exist_ok=True)
        folder.replace(tmp_path, CORRECTIONS, old)
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", KILLED, str(at)],
            cwd=tmp_path,
            env={**ENVIRONMENT, "PYTHONPATH": str(Path(__file__).parents[4])},
            capture_output=True,
            text=True,
            check=False,
        )
        folder.recover(tmp_path, CORRECTIONS)
        found.append(folder.content(tmp_path / CORRECTIONS))
        assert found[-1] in (old, new), at
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
    assert old in found
    assert found[-1] == new
    assert len(found) > 5
