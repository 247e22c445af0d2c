"""What tests of stages and of the service share: a tiny classifier."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support import tiny

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
