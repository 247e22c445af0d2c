"""The pipeline as people start it: the result does not depend on how."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repository import ENVIRONMENT, git


@pytest.fixture
def repository(small_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small_run, tmp_path / "copy", symlinks=True)


def test_bytecode_that_a_stage_leaves_behind_changes_nothing(repository: Path) -> None:
    caching = {k: v for k, v in ENVIRONMENT.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for cached in repository.rglob("__pycache__"):
        shutil.rmtree(cached)
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "repro", "--force", "--single-item", "fuse"],
        cwd=repository,
        env=caching,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for folder in ("stages/common", "stages/fusion", "serving/classifier"):
        assert list((repository / folder / "__pycache__").glob("*.pyc"))
    assert git(repository, "status", "--porcelain") == ""
