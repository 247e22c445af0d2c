"""How many bytes of bodies are held at once, over all requests and of one user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from serving.errors import Unavailable
from serving.settings import Settings


class BodyBudget:
    """The bytes of bodies that are held at once, over all requests, and of one user."""

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.bodies_bytes
        self._share = max(settings.max_batch_bytes, settings.max_body_bytes, self._limit // 4)
        self._reserved: Counter[str] = Counter()

    @contextmanager
    def reservation(self, user: str) -> Iterator[BodyReservation]:
        """What a request of `user` holds, until it is answered."""
        reservation = BodyReservation(self, user)
        try:
            yield reservation
        finally:
            self._reserved[user] -= reservation.size
            if not self._reserved[user]:
                del self._reserved[user]

    def reserve(self, user: str, size: int) -> bool:
        """Take `size` bytes more, if there is room for them."""
        total = self._reserved.total() + size
        if self._reserved[user] + size > self._share or total > self._limit:
            return False
        self._reserved[user] += size
        return True


class BodyReservation:
    """The bytes one request holds."""

    def __init__(self, budget: BodyBudget, user: str) -> None:
        self.size = 0
        self._budget = budget
        self._user = user

    def add(self, size: int) -> None:
        """Hold more. Raises Unavailable when there is no room."""
        if not self._budget.reserve(self._user, size):
            raise Unavailable("The service holds as many bodies as it can.")
        self.size += size
