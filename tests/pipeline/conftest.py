"""One small pipeline run for all whole-pipeline tests; those that change it take a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.repository import SMALL, clone, git, run


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the repository in which the small pipeline ran, committed. Not to be changed."""
    folder = clone(tmp_path_factory.mktemp("pipeline") / "repository")
    run(folder, "dvc", "exp", "run", *SMALL)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "small run")
    return folder
