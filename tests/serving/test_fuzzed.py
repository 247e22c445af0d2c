"""Fuzzed requests over raw sockets: each is answered, and none with 5xx."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support import fuzzing
from tests.support.process import running
from tests.support.service import ACCOUNT, PASSWORD, USER

NUMBER, SEED = 900, 2

pytestmark = pytest.mark.slow


def test_each_is_answered_and_none_with_5xx(root: Path) -> None:
    limits = ("PREDICT", "TOKEN_ADDRESS", "TOKEN_ACCOUNT")
    variables = {
        **ACCOUNT,
        "SERVING_LOGGER_PATH": "serving.log",
        **{f"SERVING_{name}_LIMIT": "0" for name in limits},
    }
    with running(root, variables) as process:
        form = {"username": USER, "password": PASSWORD}
        token = process.client.post("/token", data=form).json()["access_token"]
        counts, failed = asyncio.run(fuzzing.answers(process.port, token, NUMBER, SEED))
        assert process.client.get("/health/ready").status_code == 200
        assert process.stop() == 0
    assert not failed
    assert {sum(count.values()) for count in counts.values()} == {NUMBER // len(fuzzing.KINDS)}
    statuses = {status for count in counts.values() for status in count}
    assert {"200", "400", "401", "404", "405", "415", "422"} <= statuses
    log = (root / "serving.log").read_text("utf-8")
    assert "Traceback" not in log
    assert '"level":"error"' not in log.replace(" ", "")
