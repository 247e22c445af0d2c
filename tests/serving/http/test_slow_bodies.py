"""A body that comes slowly, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from typing import Any

from serving.http.connections import BYTES_A_SECOND
from serving.settings import Settings
from tests.support.wire import connected

SECONDS = 10
"""What a client may take."""


async def size(scope: Any, receive: Any, send: Any) -> None:
    """The application: answers how long the body was."""
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message["body"]), message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % length})


def sent(pieces: int, seconds: float) -> bytes:
    """The answer to a body of so many pieces of two seconds' worth, one every `seconds`."""

    async def scenario() -> bytes:
        now = 0.0
        loop = asyncio.get_running_loop()
        loop.time = lambda: now  # type: ignore[method-assign]
        connection, wire = connected(size, Settings(client_seconds=SECONDS))
        piece = b"a" * (2 * BYTES_A_SECOND)
        connection.data_received(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (pieces * len(piece))
        )
        for _ in range(pieces):
            now += seconds
            connection.check(now)
            if wire.ended or wire.written:
                break
            connection.data_received(piece)
        while not wire.written:
            await asyncio.sleep(0)
        for task in connection.tasks:
            task.cancel()
        return wire.written

    return asyncio.run(scenario())


def test_a_slow_body_that_goes_on_is_read() -> None:
    """Longer than the client may take, all in all."""
    answer = sent(2 * SECONDS, 2)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"%d\r\n0\r\n\r\n" % (4 * SECONDS * BYTES_A_SECOND))


def test_a_body_slower_than_is_enough_is_refused_once_the_seconds_are_used_up() -> None:
    assert sent(4, 4).startswith(b"HTTP/1.1 200")
    assert sent(2 * SECONDS, 4).startswith(b"HTTP/1.1 408")
