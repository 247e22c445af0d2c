"""What all tests of sources share: servers on the loopback, which nobody waits for."""

from __future__ import annotations

import pytest

from stages.sources import transfer


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "BACKOFF_SECONDS", 0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
