"""Users in SQLite, and the command that manages them.

    python -m serving.access.users add NAME [--full-name TEXT] [--scope predict …]
    python -m serving.access.users passwd|disable|enable|revoke|delete NAME
    python -m serving.access.users scopes NAME [--scope predict …]
    python -m serving.access.users list

The password comes from a prompt, or from standard input when that is no terminal; never argv.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import logging
import os
import re
import secrets
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from serving import logs
from serving.access.passwords import PasswordError, new_hash
from serving.http.problems import busy
from serving.settings import Settings, SettingsError

SCOPES = ("predict", "metrics", "reload")
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
    disabled INTEGER NOT NULL DEFAULT 0,
    version TEXT NOT NULL DEFAULT ''
) STRICT
"""
_COLUMNS = "username, full_name, scopes, disabled, version"
_BUSY_SECONDS = 0.5
"""How long a change or a look waits for another process's."""


_DONE = {
    "add": "added",
    "passwd": "changed the password and ended the tokens of",
    "disable": "disabled",
    "enable": "enabled",
    "revoke": "ended the tokens of",
    "delete": "deleted",
    "scopes": "set the scopes of",
}

logger = logging.getLogger("serving")
audit = logging.getLogger("serving.audit")

T = TypeVar("T")


class UserError(ValueError):
    """The user cannot be added or changed; the message says why."""


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
        """Tokens already given stop within CACHE_SECONDS. Raises UserError or PasswordError."""
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
        """A disabled user cannot log in, and tokens already given stop within CACHE_SECONDS."""
        self._change(username, disabled=int(disabled), version=_new_version())

    def set_scopes(self, username: str, scopes: Sequence[str]) -> None:
        """What the user may do from now on, within CACHE_SECONDS. Raises UserError."""
        _check_scopes(scopes)
        self._change(username, scopes=" ".join(scopes))

    def revoke(self, username: str) -> None:
        """Tokens already given stop within CACHE_SECONDS. Raises UserError."""
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


class Directory:
    """Active users by name, remembered for CACHE_SECONDS so that a request costs no query."""

    def __init__(self, users: Users) -> None:
        self._users = users
        self._known: dict[str, tuple[float, User | None]] = {}

    async def find(self, username: str) -> tuple[User, str] | None:
        """The user as read now, with the password hash. Raises Problem 503 if that cannot be."""
        return await self._read(self._users.find, username)

    async def check(self) -> None:
        """Raises Problem 503 when the users cannot be read."""
        await self._read(self._users.check)

    async def renew_hash(self, username: str, stored: str, renewed: str) -> None:
        """As `Users.renew_hash`. Raises Problem 503."""
        await self._read(self._users.renew_hash, username, stored, renewed)

    async def _read(self, call: Callable[..., T], *arguments: str) -> T:
        try:
            return await asyncio.to_thread(call, *arguments)
        except sqlite3.Error as error:
            logger.error("the users' database does not answer: %s", error)
            raise busy("The users cannot be read at the moment.", retry_after=5) from error

    async def active(self, username: str, version: str) -> User | None:
        """The user whose tokens have `version`; None if it is another's, there is none, or it is
        disabled. Raises Problem 503.

        A user that is remembered with another version may have logged in since: it is read again.
        """
        until, user = self._known.get(username, (0.0, None))
        if user is None or user.version != version or time.monotonic() >= until:
            found = await self.find(username)
            user = found[0] if found and not found[0].disabled else None
            self._known[username] = (time.monotonic() + CACHE_SECONDS, user)
        return user if user and user.version == version else None


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
    _record("add", name, "settings")


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
    scopes = verbs.add_parser("scopes", help="set what a user may do; without --scope, nothing")
    scopes.add_argument("--scope", action="append", choices=SCOPES, default=[])
    for verb in (
        add,
        verbs.add_parser("passwd", help="change a password"),
        verbs.add_parser("disable", help="lock a user out"),
        verbs.add_parser("enable", help="let a user in again"),
        verbs.add_parser("revoke", help="end the tokens a user has"),
        verbs.add_parser("delete", help="forget a user"),
        scopes,
    ):
        verb.add_argument("name")
    verbs.add_parser("list", help="list the users")
    return commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    chosen = parser().parse_args(arguments)
    try:
        settings = Settings.load()
        logs.configure(settings, console=False)
        users = Users(settings.users_database)
        users.create()
        match chosen.verb:
            case "add":
                scopes = chosen.scope or ("predict",)
                users.add(chosen.name, chosen.full_name, scopes, read_password())
            case "passwd":
                users.set_password(chosen.name, read_password())
            case "disable" | "enable":
                users.set_disabled(chosen.name, chosen.verb == "disable")
            case "revoke":
                users.revoke(chosen.name)
            case "delete":
                users.delete(chosen.name)
            case "scopes":
                users.set_scopes(chosen.name, chosen.scope)
            case "list":
                for user in users.list():
                    state = "disabled" if user.disabled else "active"
                    print(user.username, state, ",".join(user.scopes), user.full_name, sep="\t")
    except (UserError, PasswordError, SettingsError, OSError, sqlite3.Error) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if chosen.verb != "list":
        _tell(chosen)
    return 0


def _tell(chosen: argparse.Namespace) -> None:
    """Say what was done, and leave a line of it in the log."""
    scopes = getattr(chosen, "scope", None)
    given = f" ({', '.join(scopes) or 'no scope'})" if scopes is not None else ""
    print(f"{_DONE[chosen.verb]} {chosen.name}{given}")
    _record(chosen.verb, chosen.name, "command line")


def _record(verb: str, name: str, source: str) -> None:
    about = {"event": f"user-{verb}", "user": name, "by": _operator(), "client": source}
    audit.info(_DONE[verb], extra=about)


def _operator() -> str:
    """Who runs this process; in a container it may be a number without a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the latter from Python 3.13 on
        return str(os.getuid())


if __name__ == "__main__":
    sys.exit(main())
