"""Active users as requests ask for them: read off the event loop, and remembered for a while."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

from serving.access.users.store import User, Users
from serving.errors import Unavailable

CACHE_SECONDS = 30.0
"""How long a user is believed to be as read: a disabled one is out within this time."""

logger = logging.getLogger("serving")

T = TypeVar("T")


class Directory:
    """Active users by name, remembered for CACHE_SECONDS so that a request costs no query."""

    def __init__(self, users: Users) -> None:
        self._users = users
        self._known: dict[str, tuple[float, User | None]] = {}

    async def find(self, username: str) -> tuple[User, str] | None:
        """The user as read now, with the password hash. Raises Unavailable if that cannot be."""
        return await self._read(self._users.find, username)

    async def check(self) -> None:
        """Raises Unavailable when the users cannot be read."""
        await self._read(self._users.check)

    async def renew_hash(self, username: str, stored: str, renewed: str) -> None:
        """As `Users.renew_hash`. Raises Unavailable."""
        await self._read(self._users.renew_hash, username, stored, renewed)

    async def _read(self, call: Callable[..., T], *arguments: str) -> T:
        try:
            return await asyncio.to_thread(call, *arguments)
        except sqlite3.Error as error:
            logger.error("the users' database does not answer: %s", error)
            raise Unavailable("The users cannot be read at the moment.", retry_after=5) from error

    async def active(self, username: str, version: str) -> User | None:
        """The user whose tokens have `version`; None if it is another's, there is none, or it is
        disabled. Raises Unavailable.

        A user that is remembered with another version may have logged in since: it is read again.
        """
        until, user = self._known.get(username, (0.0, None))
        if user is None or user.version != version or time.monotonic() >= until:
            stored = await self.find(username)
            user = stored[0] if stored and not stored[0].disabled else None
            self._known[username] = (time.monotonic() + CACHE_SECONDS, user)
        return user if user and user.version == version else None
