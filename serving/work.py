"""Blocking work off the event loop: a few threads, a bounded queue, and room for who left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from serving.problems import CLIENT_LEFT, Problem, busy

T = TypeVar("T")
Left = Callable[[], Awaitable[None]]
"""Returns once the client has gone away."""


class Workers:
    """At most `threads` calls run at once and at most `queue` wait; a further one is refused."""

    def __init__(self, threads: int, queue: int, name: str) -> None:
        self.queue = queue
        self.waiting = self.running = 0
        self._free = asyncio.Semaphore(threads)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, call: Callable[[], T], left: Left | None = None) -> T:
        """Run `call` in a thread and return what it returns.

        Raises Problem: 503 when the queue is full, 499 when the client left while waiting.
        """
        await self._take_place(left)
        self.running += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        finally:
            self.running -= 1
            self._free.release()

    def close(self) -> None:
        """Let the running calls finish and stop the threads."""
        self._pool.shutdown()

    async def _take_place(self, left: Left | None) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        if self.waiting >= self.queue:
            raise busy("The service is at work on as many requests as it can hold.")
        self.waiting += 1
        try:
            await (self._free.acquire() if left is None else self._acquire_unless(left))
        finally:
            self.waiting -= 1

    async def _acquire_unless(self, left: Left) -> None:
        """Wait for a free thread, or until the client has gone."""
        place = asyncio.ensure_future(self._free.acquire())
        gone = asyncio.ensure_future(left())
        try:
            await asyncio.wait({place, gone}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if not place.cancel():
                self._free.release()
            raise
        finally:
            gone.cancel()
        if not place.done():
            place.cancel()
            raise Problem(CLIENT_LEFT, "The client went away before its turn.")
