"""How many bytes of bodies are held at once, over all requests and of one user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from serving.errors import Unavailable
from serving.settings import Settings

Reserve = Callable[[int], None]
"""Holds so many bytes more, for one request. Raises Unavailable when there is no room."""


class BodyBudget:
    """The bytes of bodies that are held at once, over all requests, and of one user."""

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.bodies_bytes
        self._share = max(settings.max_batch_bytes, settings.max_body_bytes, self._limit // 4)
        self._reserved: Counter[str] = Counter()

    @contextmanager
    def reservation(self, user: str) -> Iterator[Reserve]:
        """What a request of `user` holds, until it is answered."""
        held = 0

        def reserve(size: int) -> None:
            nonlocal held
            total = self._reserved.total() + size
            if self._reserved[user] + size > self._share or total > self._limit:
                raise Unavailable("The service holds as many bodies as it can.")
            self._reserved[user] += size
            held += size

        try:
            yield reserve
        finally:
            self._reserved[user] -= held
            if not self._reserved[user]:
                del self._reserved[user]
