"""What tests of several folders share: a tiny classifier, and one run of a small pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support import tiny
from tests.support.repository import SMALL, clone, git, run

settings.register_profile(
    "a machine however slow", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("a machine however slow")


@pytest.fixture(scope="session")
def classifier_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models/classifier and dvc.lock; not to be changed."""
    root = tmp_path_factory.mktemp("classifier")
    tiny.build(root)
    return root


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the repository in which the small pipeline ran, committed. Not to be changed; its
    cache may be copied."""
    folder = clone(tmp_path_factory.mktemp("pipeline") / "repository")
    run(folder, "dvc", "exp", "run", *SMALL)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "small run")
    return folder
