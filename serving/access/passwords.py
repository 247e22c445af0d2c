"""Passwords: argon2id, hashed off the event loop and never more than a few at once."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from serving.errors import PasswordError
from serving.workers import Workers

_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
"""argon2id by the second recommended option of RFC 9106 section 4: 64 MiB, four lanes."""

HASHES_AT_ONCE = 1
"""Each takes 64 MiB and, with its four lanes, all cores for about a tenth of a second."""
HASHES_WAITING = 32

MIN_CHARACTERS = 12
MAX_BYTES = 1024


def new_hash(password: str) -> str:
    """The encoded hash to store for a new password.

    Raises PasswordError: under MIN_CHARACTERS or over MAX_BYTES.
    """
    if len(password) < MIN_CHARACTERS:
        raise PasswordError(f"a password has at least {MIN_CHARACTERS} characters")
    if len(password.encode()) > MAX_BYTES:
        raise PasswordError(f"a password has at most {MAX_BYTES} bytes")
    return _HASHER.hash(password)


class Passwords:
    """Checks passwords in threads; takes as long for an unknown user as for a known one."""

    def __init__(self) -> None:
        self._workers = Workers(HASHES_AT_ONCE, HASHES_WAITING, "passwords")
        self._nobody = _HASHER.hash("nobody")

    async def check(
        self, stored: str | None, password: str, asker: str = ""
    ) -> tuple[bool, str | None]:
        """Whether `password` belongs to `stored`, and a new hash when its parameters changed.

        `stored` is None for a user who may not log in: a hash of nobody's password is verified
        then, so that the time tells nothing. Askers (addresses) take turns. Raises Unavailable
        when too many wait.
        """
        return await self._workers.run(lambda: self._check(stored, password), asker=asker)

    def close(self) -> None:
        """Stop the threads; what they are at is refused and not waited for."""
        self._workers.close()

    def _check(self, stored: str | None, password: str) -> tuple[bool, str | None]:
        if stored is None:
            self._matches(self._nobody, password)
            return False, None
        if not self._matches(stored, password):
            return False, None
        renew = _HASHER.check_needs_rehash(stored)
        return True, _HASHER.hash(password) if renew else None

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return _HASHER.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
