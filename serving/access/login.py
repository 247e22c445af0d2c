"""A name and a password become a user, or nobody, after the same time whatever is wrong."""

from __future__ import annotations

import logging

from serving.access.limits import Limits, counted
from serving.access.passwords import Passwords
from serving.access.users.directory import Directory
from serving.access.users.store import User
from serving.errors import RequestError
from serving.metrics import Metrics

MAX_USERNAME = 256

audit = logging.getLogger("serving.audit")


class Logins:
    """Logins by password, from an address, limited and noted in the log."""

    def __init__(
        self, directory: Directory, passwords: Passwords, limits: Limits, metrics: Metrics
    ) -> None:
        self._directory = directory
        self._passwords = passwords
        self._limits = limits
        self._metrics = metrics

    async def count_address(self, address: str) -> None:
        """Before anything of a login is read. Raises LimitExceeded or Unavailable."""
        await self._limits.count(self._limits.token_address, counted(address))

    async def log_in(self, username: str, password: str, address: str) -> User | None:
        """The user; None when the name or the password is wrong.

        Raises LimitExceeded and Unavailable.
        """
        about = {"user": username, "client": address}
        try:
            await self._limits.count_login(username, address)
        except RequestError:
            audit.warning("login not tried", extra={"event": "login-limited", **about})
            raise
        entry = await self._directory.find(username)
        user, stored = entry if entry and not entry[0].disabled else (None, None)
        matches, renewed = await self._passwords.check(stored, password, counted(address))
        if user is None or not matches:
            self._metrics.login_failures.inc()
            audit.warning("login refused", extra={"event": "login-refused", **about})
            return None
        if renewed is not None and stored is not None:
            await self._directory.renew_hash(username, stored, renewed)
            audit.info("password hash renewed", extra={"event": "hash-renewed", **about})
        self._limits.logged_in(username, address)
        audit.info("login", extra={"event": "login", **about})
        return user
