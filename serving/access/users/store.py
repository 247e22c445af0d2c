"""The users' database: SQLite, opened anew by every call."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from serving.access.passwords import new_hash
from serving.errors import UserError

SCOPES = ("predict", "review", "metrics", "reload")
"""What a user may be allowed: ask the classifier, review its answers and correct them, read the
metrics, have another loaded."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_TABLE = """
CREATE TABLE IF NOT EXISTS users (
    username TEXT PRIMARY KEY,
    full_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0,
    version TEXT NOT NULL DEFAULT ''
) STRICT
"""
_COLUMNS = "username, full_name, scopes, disabled, version"
_BUSY_SECONDS = 0.5
"""How long a change or a look waits for another process's."""


@dataclass(frozen=True)
class User:
    """Who may log in, and what for."""

    username: str
    full_name: str
    scopes: tuple[str, ...]
    disabled: bool
    version: str
    """Of the tokens: those of another version are no longer valid."""


class Users:
    """The users' database at `path`; every call opens it anew, so processes may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made = False

    def create(self) -> None:
        """Make the database, readable by its owner alone, unless it is there."""
        self._made = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch(mode=0o600)
        with self._open() as database:
            database.execute(_TABLE)
            columns = {row[1] for row in database.execute("PRAGMA table_info(users)")}
            if "version" not in columns:  # made before tokens had versions
                database.execute("ALTER TABLE users ADD COLUMN version TEXT NOT NULL DEFAULT ''")

    def discard(self, first: str | None) -> None:
        """Remove the database if `create` made it and it holds nobody but the user `first`: the
        next start makes both again."""
        if self._made and {user.username for user in self.list()} <= {first}:
            self.path.unlink()

    def check(self) -> None:
        """Raises sqlite3.Error when the users cannot be read."""
        self.find("")

    def find(self, username: str) -> tuple[User, str] | None:
        """The user and the encoded password hash, or None."""
        with self._open() as database:
            row = database.execute(
                f"SELECT {_COLUMNS}, password_hash FROM users WHERE username = ?",  # noqa: S608
                (username,),
            ).fetchone()
        return (_user(row[:-1]), row[-1]) if row else None

    def list(self) -> list[User]:
        """All users by name."""
        with self._open() as database:
            rows = database.execute(
                f"SELECT {_COLUMNS} FROM users ORDER BY username"  # noqa: S608
            ).fetchall()
        return [_user(row) for row in rows]

    def add(self, username: str, full_name: str, scopes: Sequence[str], password: str) -> None:
        """Add a user. Raises UserError or PasswordError."""
        if not _NAME.fullmatch(username):
            raise UserError(
                f"{username!r} is no user name: up to 64 letters, digits and . _ @ -, the first a "
                "letter or digit"
            )
        _check_scopes(scopes)
        hashed = new_hash(password)
        try:
            with self._open() as database:
                database.execute(
                    "INSERT INTO users (username, full_name, password_hash, scopes, version)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (username, full_name, hashed, " ".join(scopes), _new_version()),
                )
        except sqlite3.IntegrityError as error:
            raise UserError(f"user {username} exists already") from error

    def set_password(self, username: str, password: str) -> None:
        """Tokens given before stop within directory.CACHE_SECONDS.

        Raises UserError or PasswordError.
        """
        self._change(username, password_hash=new_hash(password), version=_new_version())

    def renew_hash(self, username: str, stored: str, renewed: str) -> None:
        """Put the same password's hash at other parameters in the place of `stored`.

        Does nothing when the password has been changed since.
        """
        with self._open() as database:
            database.execute(
                "UPDATE users SET password_hash = ? WHERE username = ? AND password_hash = ?",
                (renewed, username, stored),
            )

    def set_disabled(self, username: str, disabled: bool) -> None:
        """A disabled user cannot log in, and tokens given before stop, as above."""
        self._change(username, disabled=int(disabled), version=_new_version())

    def set_scopes(self, username: str, scopes: Sequence[str]) -> None:
        """What the user may do within directory.CACHE_SECONDS. Raises UserError."""
        _check_scopes(scopes)
        self._change(username, scopes=" ".join(scopes))

    def revoke(self, username: str) -> None:
        """Tokens already given stop within directory.CACHE_SECONDS. Raises UserError."""
        self._change(username, version=_new_version())

    def delete(self, username: str) -> None:
        """Forget the user. Raises UserError."""
        with self._open() as database:
            statement = "DELETE FROM users WHERE username = ?"
            if database.execute(statement, (username,)).rowcount == 0:
                raise UserError(f"no user {username}")

    def _change(self, username: str, **columns: str | int) -> None:
        # The columns are named above, never by input.
        changes = ", ".join(f"{column} = ?" for column in columns)
        statement = f"UPDATE users SET {changes} WHERE username = ?"  # noqa: S608
        with self._open() as database:
            if database.execute(statement, (*columns.values(), username)).rowcount == 0:
                raise UserError(f"no user {username}")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # Opened to be read and written, not to be made: a database that is gone is an error.
        name = f"{self.path.absolute().as_uri()}?mode=rw"
        opened = sqlite3.connect(name, timeout=_BUSY_SECONDS, uri=True)
        with closing(opened) as database, database:
            yield database


def _user(row: tuple[str, str, str, int, str]) -> User:
    return User(row[0], row[1], tuple(row[2].split()), bool(row[3]), row[4])


def _new_version() -> str:
    """No other user and no earlier one of the name has it."""
    return secrets.token_urlsafe(8)


def _check_scopes(scopes: Sequence[str]) -> None:
    if unknown := set(scopes) - set(SCOPES):
        raise UserError(f"unknown scope {min(unknown)}; expected some of {', '.join(SCOPES)}")
