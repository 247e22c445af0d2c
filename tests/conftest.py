"""What tests of several folders share: a tiny classifier, and one run of a small pipeline."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.support import tiny
from tests.support.repository import SMALL, clone, git, run

settings.register_profile(
    "a machine however slow", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("a machine however slow")

WHOLLY_SLOW = re.compile(r"^pytestmark = \[?\s*(pytest\.mark\.\w+, )?pytest\.mark\.slow\b", re.M)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without the slow tests, modules of nothing else are not loaded: TensorFlow takes seconds."""
    if config.getoption("markexpr") != "not slow" or collection_path.suffix != ".py":
        return None
    return True if WHOLLY_SLOW.search(collection_path.read_text(encoding="utf-8")) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest come first. TensorFlow, if a module loads it, is set up before any test: its
    threads cannot be changed after its first operation, and any test may be the first."""

    def longest_first(item: pytest.Item) -> int:
        if "small_run" in getattr(item, "fixturenames", ()):
            return 0
        return 1 if item.get_closest_marker("exhaustive") else 2

    items.sort(key=longest_first)
    if "tensorflow" in sys.modules:
        from stages.common.keras_setup import set_up

        set_up(1, 1)


class Together(LoadScopeScheduling):
    """What stays in one process: the tests of a module, for they share servers, and all modules
    that use the small run, which is made once.

    In the place of xdist's groups: its release 3.8 writes them where pytest 9 reads no longer.
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return "small_run" if _uses_small_run(self.config.rootpath / module) else module


@cache
def _uses_small_run(module: Path) -> bool:
    return "small_run" in module.read_text(encoding="utf-8")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Whatever `--dist` says."""
    return Together(config, log)


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
