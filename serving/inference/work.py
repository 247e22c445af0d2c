"""Blocking work off the event loop: a few threads, a bounded queue, and room for who left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from serving.http.problems import CLIENT_LEFT, Problem, busy

T = TypeVar("T")
Left = Callable[[], Awaitable[None]]
"""Returns once the client has gone away."""


class Workers:
    """At most `threads` calls run at once and at most `queue` wait; a further one is refused.

    The queue is the threads' own, so that a thread which is done goes on without the event loop.
    """

    def __init__(self, threads: int, queue: int, name: str) -> None:
        self.queue = queue
        self._threads = threads
        self._calls: set[Future[Any]] = set()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    @property
    def running(self) -> int:
        """Calls at work."""
        return sum(call.running() for call in tuple(self._calls))

    @property
    def waiting(self) -> int:
        """Calls that no thread has taken yet."""
        return len(self._calls) - self.running

    async def run(self, call: Callable[[], T], left: Left | None = None) -> T:
        """Run `call` in a thread and return what it returns.

        Raises Problem: 503 when the queue is full, 499 when the client left while waiting.
        """
        ahead = len(self._calls)
        if ahead >= self._threads + self.queue:
            raise busy("The service is at work on as many requests as it can hold.")
        future = self._pool.submit(call)
        self._calls.add(future)
        future.add_done_callback(self._calls.discard)
        if left is None or ahead < self._threads:
            return await asyncio.wrap_future(future)
        return await _unless(left, future)

    def close(self) -> None:
        """Let the running calls finish and stop the threads."""
        self._pool.shutdown()


async def _unless(left: Left, future: Future[T]) -> T:
    """What `future` returns; it is taken off the queue when the client goes before its turn."""
    answer: asyncio.Future[Any] = asyncio.wrap_future(future)
    gone: asyncio.Future[Any] = asyncio.ensure_future(left())
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        answer.cancel()
        raise
    finally:
        gone.cancel()
    if not answer.done() and future.cancel():
        raise Problem(CLIENT_LEFT, "The client went away before its turn.")
    return await answer
