"""Manage the users of the service.

    python -m serving.access.users add NAME [--full-name TEXT] [--scope predict …]
    python -m serving.access.users passwd|disable|enable|revoke|delete NAME
    python -m serving.access.users scopes NAME [--scope predict …]
    python -m serving.access.users list

The password comes from a prompt, or from standard input when that is no terminal; never argv.
"""

from __future__ import annotations

import argparse
import getpass
import sqlite3
import sys
from collections.abc import Sequence

from serving import logs
from serving.access.users import audit
from serving.access.users.store import SCOPES, Users
from serving.errors import PasswordError, ServiceError
from serving.settings import Settings


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
    except (ServiceError, OSError, sqlite3.Error) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if chosen.verb != "list":
        _confirm(chosen)
    return 0


def _confirm(chosen: argparse.Namespace) -> None:
    """Say what was done, and leave a line of it in the log."""
    scopes = getattr(chosen, "scope", None)
    given = f" ({', '.join(scopes) or 'no scope'})" if scopes is not None else ""
    print(f"{audit.DONE[chosen.verb]} {chosen.name}{given}")
    audit.record(chosen.verb, chosen.name, "command line")


if __name__ == "__main__":
    sys.exit(main())
