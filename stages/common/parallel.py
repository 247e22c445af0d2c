"""Work on all processors at once; results come in order and do not depend on their number."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def processors() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0))


def in_order(pool: Executor, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """`work` of each of `items`, done in `pool`.

    At most two items a processor are under way, or done and not yet taken: memory does not grow
    with their number.
    """
    waiting: deque[Future[R]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) >= 2 * processors():
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def in_threads(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """The same in threads: for what NumPy and decoders do without Python's lock."""
    with ThreadPoolExecutor(processors()) as pool:
        yield from in_order(pool, work, items)
