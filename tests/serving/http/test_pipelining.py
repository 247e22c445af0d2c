"""Requests behind each other on a connection: answers keep their order, whatever is refused."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from serving.http import connections
from serving.http.connections import ConnectionLimiter
from serving.metrics import Metrics
from serving.settings import Settings
from tests.support.waiting import PATIENCE
from tests.support.wire import Wire, connected

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HALF = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"


def statuses(wire: Wire) -> list[bytes]:
    return re.findall(rb"HTTP/1.1 (\d+)", wire.written)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0)


@pytest.mark.parametrize("complete", [0, 1, 3])
def test_a_slow_body_behind_others_is_refused_in_its_turn(
    complete: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused at once, it would close the connection on the answers that are still to come."""

    async def scenario() -> None:
        go_on = asyncio.Event()

        async def slowly(scope: Any, receive: Any, send: Any) -> None:
            while (await receive()).get("more_body"):
                pass
            await go_on.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        connection, wire = connected(slowly, Settings())
        connection.data_received(GET * complete + HALF)
        for _ in range(9):
            await asyncio.sleep(0)
        connection.stop()
        go_on.set()
        await until(lambda: wire.ended and not connection.tasks)
        assert statuses(wire) == [b"200"] * complete + [b"503"]

    with caplog.at_level(logging.INFO):
        asyncio.run(scenario())
    assert [record.message for record in caplog.records] == ["refused"]


@pytest.mark.parametrize("sent", [GET * 2, GET + HALF, GET + GET[:9]])
def test_one_over_the_limit_of_its_address_is_answered_once(
    sent: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "REFUSAL_SECONDS", 0)

    async def scenario() -> None:
        async def nothing(scope: Any, receive: Any, send: Any) -> None:
            raise AssertionError("the application is not asked")

        settings = Settings(address_connections=1)
        limiter = ConnectionLimiter(settings, Metrics())
        connected(nothing, settings, limiter)
        connection, wire = connected(nothing, settings, limiter)
        connection.data_received(sent)
        await until(lambda: wire.ended and not connection.tasks)
        assert statuses(wire) == [b"503"]

    with caplog.at_level(logging.INFO):
        asyncio.run(scenario())
    assert [record.message for record in caplog.records] == ["refused"]
