"""Users in SQLite, and the command that manages them.

    python -m serving.access.users add NAME [--full-name TEXT] [--scope predict --scope metrics]
    python -m serving.access.users passwd|disable|enable NAME
    python -m serving.access.users list

The password comes from a prompt, or from standard input when that is no terminal; never argv.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import re
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from serving.access.passwords import PasswordError, new_hash
from serving.settings import Settings, SettingsError

SCOPES = ("predict", "metrics")
"""What a user may be allowed: ask the classifier, read the metrics."""

CACHE_SECONDS = 30.0
"""How long a user is believed to be as read: a disabled one is out within this time."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_TABLE = """
CREATE TABLE IF NOT EXISTS users (
    username TEXT PRIMARY KEY,
    full_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0
) STRICT
"""
_BUSY_SECONDS = 5.0


class UserError(ValueError):
    """The user cannot be added or changed; the message says why."""


@dataclass(frozen=True)
class User:
    """Who may log in, and what for."""

    username: str
    full_name: str
    scopes: tuple[str, ...]
    disabled: bool


class Users:
    """The users' database at `path`; every call opens it anew, so processes may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Make the database, readable by its owner alone, unless it is there."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch(mode=0o600)
        with self._open() as database:
            database.execute(_TABLE)

    def find(self, username: str) -> tuple[User, str] | None:
        """The user and the encoded password hash, or None."""
        with self._open() as database:
            row = database.execute(
                "SELECT username, full_name, scopes, disabled, password_hash FROM users"
                " WHERE username = ?",
                (username,),
            ).fetchone()
        return (_user(row), row[4]) if row else None

    def list(self) -> list[User]:
        """All users by name."""
        with self._open() as database:
            rows = database.execute(
                "SELECT username, full_name, scopes, disabled FROM users ORDER BY username"
            ).fetchall()
        return [_user(row) for row in rows]

    def add(self, username: str, full_name: str, scopes: Sequence[str], password: str) -> None:
        """Add a user. Raises UserError or PasswordError."""
        if not _NAME.fullmatch(username):
            raise UserError(
                f"{username!r} is no user name: up to 64 letters, digits and . _ @ -, the first a "
                "letter or digit"
            )
        if unknown := set(scopes) - set(SCOPES):
            raise UserError(f"unknown scope {min(unknown)}; expected some of {', '.join(SCOPES)}")
        hashed = new_hash(password)
        try:
            with self._open() as database:
                database.execute(
                    "INSERT INTO users VALUES (?, ?, ?, ?, 0)",
                    (username, full_name, hashed, " ".join(scopes)),
                )
        except sqlite3.IntegrityError as error:
            raise UserError(f"user {username} exists already") from error

    def set_password(self, username: str, password: str) -> None:
        """Raises UserError or PasswordError."""
        self._change(username, "password_hash", new_hash(password))

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
        """A disabled user cannot log in, and tokens already given stop within CACHE_SECONDS."""
        self._change(username, "disabled", int(disabled))

    def _change(self, username: str, column: str, value: str | int) -> None:
        with self._open() as database:
            # The column is one of the literals above, never input.
            statement = f"UPDATE users SET {column} = ? WHERE username = ?"  # noqa: S608
            if database.execute(statement, (value, username)).rowcount == 0:
                raise UserError(f"no user {username}")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=_BUSY_SECONDS)) as database, database:
            yield database


def _user(row: tuple[str, str, str, int]) -> User:
    return User(row[0], row[1], tuple(row[2].split()), bool(row[3]))


class Directory:
    """Active users by name, remembered for CACHE_SECONDS so that a request costs no query."""

    def __init__(self, users: Users) -> None:
        self._users = users
        self._known: dict[str, tuple[float, User | None]] = {}

    async def active(self, username: str) -> User | None:
        """The user, or None if there is none or it is disabled."""
        until, user = self._known.get(username, (0.0, None))
        if time.monotonic() < until:
            return user
        found = await asyncio.to_thread(self._users.find, username)
        user = found[0] if found and not found[0].disabled else None
        self._known[username] = (time.monotonic() + CACHE_SECONDS, user)
        return user


def create_first_user(users: Users, settings: Settings) -> None:
    """Add TEST_USER when it is set and does not exist.

    Raises SettingsError: no password, or one that cannot be set.
    """
    name, password = settings.test_user, settings.test_user_password
    if name is None or users.find(name):
        return
    if password is None:
        raise SettingsError("TEST_USER is set without TEST_USER_PASSWORD")
    try:
        users.add(name, settings.test_user_full_name, ("predict",), password.get_secret_value())
    except (UserError, PasswordError) as error:
        if users.find(name):
            return  # a process that starts beside this one was faster
        raise SettingsError(f"TEST_USER, TEST_USER_PASSWORD: {error}") from error


def read_password() -> str:
    """From a prompt, twice; from the first line of standard input when that is no terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise PasswordError("the two passwords differ")
    return password


def parser() -> argparse.ArgumentParser:
    """The command line."""
    commands = argparse.ArgumentParser(prog="python -m serving.access.users", description=__doc__)
    commands.formatter_class = argparse.RawDescriptionHelpFormatter
    verbs = commands.add_subparsers(dest="verb", required=True)
    add = verbs.add_parser("add", help="add a user")
    add.add_argument("--full-name", default="")
    add.add_argument("--scope", action="append", choices=SCOPES, help="default: predict")
    for verb in (
        add,
        verbs.add_parser("passwd", help="change a password"),
        verbs.add_parser("disable", help="lock a user out"),
        verbs.add_parser("enable", help="let a user in again"),
    ):
        verb.add_argument("name")
    verbs.add_parser("list", help="list the users")
    return commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    chosen = parser().parse_args(arguments)
    try:
        users = Users(Settings.load().users_database)
        users.create()
        match chosen.verb:
            case "add":
                scopes = chosen.scope or ("predict",)
                users.add(chosen.name, chosen.full_name, scopes, read_password())
            case "passwd":
                users.set_password(chosen.name, read_password())
            case "disable" | "enable":
                users.set_disabled(chosen.name, chosen.verb == "disable")
            case "list":
                for user in users.list():
                    state = "disabled" if user.disabled else "active"
                    print(user.username, state, ",".join(user.scopes), user.full_name, sep="\t")
    except (UserError, PasswordError, SettingsError, OSError, sqlite3.Error) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
