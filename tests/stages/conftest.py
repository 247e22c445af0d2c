"""What tests of several parts of the pipeline set up alike."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def tensorflow() -> None:
    """TensorFlow as all tests of one process use it: its threads cannot be changed after its first
    operation, and any test may be the first."""
    from stages.common.keras_setup import set_up

    set_up(1, 1)
