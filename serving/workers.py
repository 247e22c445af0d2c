"""Blocking work off the event loop: a few threads and a bounded, fair queue."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from typing import Any, TypeVar

from serving.errors import Unavailable

T = TypeVar("T")

_FULL = "The service is at work on as many requests as it can hold."
_STOPPING = "The service is stopping."


class Workers:
    """At most `threads` calls run at once and at most `queue` wait; a further one is refused.

    Whoever waits takes turns with the others, however much either asks; where the queue is full,
    who has most in it gives way. A thread that is done goes on without the event loop.
    """

    def __init__(self, threads: int, queue: int, name: str) -> None:
        self.queue = queue
        self._threads = threads
        self._calls: set[Future[Any]] = set()
        self._turns = _Turns()
        self._closed = False
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    @property
    def running(self) -> int:
        """Calls at work."""
        return sum(call.running() for call in tuple(self._calls))

    @property
    def waiting(self) -> int:
        """Calls that no thread has taken yet."""
        return len(self._calls) - self.running

    @property
    def occupied(self) -> bool:
        """Whether a further call would wait."""
        return len(self._calls) >= self._threads

    async def run(
        self,
        call: Callable[[], T],
        *,
        asker: str = "",
        continued: bool = False,
    ) -> T:
        """Run `call` in a thread when it is `asker`'s turn, and return what it returns.

        A call that is `continued` work, begun by an earlier call, is never refused. Raises
        Unavailable when the queue is full or closed. A call that is cancelled is taken off the
        queue; one that has begun is waited for, because a thread holds what it works on until it
        is done.
        """
        if self._closed:
            raise Unavailable(_STOPPING)
        full = len(self._calls) >= self._threads + self.queue
        if full and not continued and not self._turns.give_way(asker):
            raise Unavailable(_FULL)
        future: Future[T] = Future()
        self._calls.add(future)
        future.add_done_callback(self._calls.discard)
        self._turns.add(asker, future, call)
        self._pool.submit(self._turns.take)
        try:
            return await asyncio.wrap_future(future)
        finally:
            self._turns.drop(asker, future)
            if future.running():
                await asyncio.gather(asyncio.wrap_future(future), return_exceptions=True)

    def close(self) -> None:
        """Refuse all calls, those at work too, and wait for nothing: their threads end later."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._turns.clear()
        for call in tuple(self._calls):
            with contextlib.suppress(InvalidStateError):  # done in this moment
                call.set_exception(Unavailable(_STOPPING))


class _Turns:
    """Calls that wait, in the order in which their askers get a thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._askers: dict[str, dict[Future[Any], Callable[[], Any]]] = {}

    def add(self, asker: str, future: Future[Any], call: Callable[[], Any]) -> None:
        """Wait behind the calls of `asker`."""
        with self._lock:
            self._askers.setdefault(asker, {})[future] = call

    def drop(self, asker: str, future: Future[Any]) -> None:
        """Wait no longer, if it still does."""
        with self._lock:
            calls = self._askers.get(asker, {})
            if calls.pop(future, None) and not calls:
                del self._askers[asker]

    def clear(self) -> None:
        """Nobody waits any more."""
        with self._lock:
            self._askers.clear()

    def take(self) -> None:
        """Run the next call, if one is left, in this thread."""
        with self._lock:
            if not self._askers:
                return
            asker = next(iter(self._askers))
            calls = self._askers.pop(asker)
            future = next(iter(calls))
            call = calls.pop(future)
            if calls:
                self._askers[asker] = calls
            if not future.set_running_or_notify_cancel():
                return
        with contextlib.suppress(InvalidStateError):  # closed meanwhile
            try:
                answer = call()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(answer)

    def give_way(self, asker: str) -> bool:
        """Refuse the youngest call of who has most waiting; False if that would be `asker`."""
        with self._lock:
            greediest = max(self._askers, key=lambda other: len(self._askers[other]), default=asker)
            own = len(self._askers.get(asker, ()))
            if len(self._askers.get(greediest, ())) <= own + 1:
                return False
            future, _ = self._askers[greediest].popitem()
            refused = future.set_running_or_notify_cancel()
        if refused:
            future.set_exception(Unavailable(_FULL))
        return True
