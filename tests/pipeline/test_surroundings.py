"""The pipeline as people start it: the result does not depend on how."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.support.repository import ENVIRONMENT, called, clone, git, run, unactivated

pytestmark = pytest.mark.slow


@pytest.fixture
def repository(small_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small_run, tmp_path / "copy", symlinks=True)


def test_bytecode_that_a_stage_leaves_behind_changes_nothing(repository: Path) -> None:
    caching = {k: v for k, v in ENVIRONMENT.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for cached in repository.rglob("__pycache__"):
        shutil.rmtree(cached)
    run(repository, "dvc", "repro", "--force", "--single-item", "fuse", env=caching)
    for folder in ("stages/common", "stages/fusion", "serving/classifier"):
        assert list((repository / folder / "__pycache__").glob("*.pyc"))
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    "command",
    [
        ("repro", "--force", "--single-item", "fuse"),
        ("exp", "run", "--temp", "-S", "data.products=300", "ingest"),
    ],
    ids=" ".join,
)
def test_dvc_works_where_the_environment_is_not_activated(
    command: tuple[str, ...], repository: Path, tmp_path: Path
) -> None:
    """Nor is there a `python`, and `python3` has no packages."""
    (repository / ".venv").symlink_to(sys.prefix)
    done = called(repository, ".venv/bin/dvc", *command, env=unactivated(tmp_path / "bin"))
    assert done.returncode == 0, done.stderr
    assert f"> python3 -m stages {command[-1]}" in done.stdout
    assert git(repository, "status", "--porcelain") == ""


def test_without_any_environment_it_is_said_in_one_line_what_to_do(tmp_path: Path) -> None:
    without_packages = ("python3", "-S", "-m", "stages", "ingest")
    repository = clone(tmp_path / "repository")
    done = called(repository, *without_packages, env=unactivated(tmp_path / "bin"))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("ingest: No module named 'yaml' for ")
    assert "run `make venv`" in line
