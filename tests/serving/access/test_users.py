"""Users, their passwords, and the command that manages them."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import stat
import time
from pathlib import Path
from typing import NoReturn

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from serving.access.passwords import Passwords, new_hash
from serving.access.users.__main__ import main
from serving.access.users.directory import Directory
from serving.access.users.first_user import create_first_user
from serving.access.users.store import Users
from serving.errors import PasswordError, SettingsError, UserError
from serving.settings import Settings
from tests.support.service import PASSWORD


@pytest.fixture
def users(tmp_path: Path) -> Users:
    made = Users(tmp_path / "users.sqlite3")
    made.create()
    return made


def test_the_hash_is_the_second_recommendation_of_rfc_9106() -> None:
    assert extract_parameters(new_hash(PASSWORD)) == RFC_9106_LOW_MEMORY


@pytest.mark.parametrize("password", ["", "short", "x" * 2000])
def test_a_password_has_a_sensible_length(password: str) -> None:
    with pytest.raises(PasswordError):
        new_hash(password)


def test_a_hash_at_other_parameters_is_renewed() -> None:
    async def check() -> tuple[bool, str | None]:
        passwords = Passwords()
        try:
            return await passwords.check(PasswordHasher(1, 8192, 1).hash(PASSWORD), PASSWORD)
        finally:
            passwords.close()

    matches, renewed = asyncio.run(check())
    assert matches
    assert renewed is not None
    assert extract_parameters(renewed) == RFC_9106_LOW_MEMORY


def test_a_user_is_kept(users: Users) -> None:
    users.add("bob", "Bob Durand", ("predict", "metrics"), PASSWORD)
    found = users.find("bob")
    assert found is not None
    assert (found[0].full_name, found[0].scopes) == ("Bob Durand", ("predict", "metrics"))
    assert PASSWORD not in users.path.read_bytes().decode("latin-1")
    assert stat.S_IMODE(users.path.stat().st_mode) == 0o600
    with pytest.raises(UserError, match="exists"):
        users.add("bob", "", ("predict",), PASSWORD)


@pytest.mark.parametrize("name", ["", "-x", "a b", "x" * 65, "é", "a\n"])
def test_a_name_is_plain(users: Users, name: str) -> None:
    with pytest.raises(UserError, match="no user name"):
        users.add(name, "", ("predict",), PASSWORD)


def test_nobody_is_changed_and_no_unknown_scope_given(users: Users) -> None:
    with pytest.raises(UserError, match="admin"):
        users.add("bob", "", ("admin",), PASSWORD)
    with pytest.raises(UserError, match="no user"):
        users.set_disabled("nobody", True)


def test_a_disabled_user_is_out_once_the_memory_fades(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.add("bob", "", ("predict",), PASSWORD)
    directory, [bob] = Directory(users), users.list()

    def active() -> object:
        return asyncio.run(directory.active("bob", bob.version))

    assert active()
    users.set_disabled("bob", True)
    assert active()
    now = time.monotonic()
    monkeypatch.setattr("serving.access.users.directory.time.monotonic", lambda: now + 60)
    assert active() is None


def test_the_first_user_is_made_once(users: Users) -> None:
    create_first_user(users, Settings(test_user="eve", test_user_password=PASSWORD))
    before = users.find("eve")
    create_first_user(users, Settings(test_user="eve", test_user_password="another password"))
    assert users.find("eve") == before


def test_a_process_of_a_user_without_a_name_is_recorded_by_number(
    users: Users, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def nameless(number: int) -> NoReturn:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nameless)
    with caplog.at_level(logging.INFO):
        create_first_user(users, Settings(test_user="eve", test_user_password=PASSWORD))
    (record,) = (record for record in caplog.records if hasattr(record, "by"))
    assert record.by == str(os.getuid())


def test_two_processes_may_make_the_first_user_at_once(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, find = Settings(test_user="eve", test_user_password=PASSWORD), Users.find
    create_first_user(users, settings)
    answers = iter([None])  # what the slower process was told before the faster one was done
    monkeypatch.setattr(Users, "find", lambda self, name: next(answers, find(self, name)))
    create_first_user(users, settings)


def test_a_changed_password_is_not_replaced_by_the_old_one(users: Users) -> None:
    users.add("bob", "", ("predict",), PASSWORD)
    [_, stored] = users.find("bob") or (None, "")
    users.set_password("bob", "another password")
    changed = users.find("bob")
    users.renew_hash("bob", stored, "renewed")
    assert users.find("bob") == changed


@pytest.mark.parametrize("password", [None, "short"])
def test_the_first_user_needs_a_good_password(users: Users, password: str | None) -> None:
    with pytest.raises(SettingsError, match="TEST_USER_PASSWORD"):
        create_first_user(users, Settings(test_user="eve", test_user_password=password))


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("USERS_DATABASE", str(tmp_path / "users.sqlite3"))

    def run(*arguments: str, typed: str = "") -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return main(arguments)

    assert run("add", "bob", "--full-name", "Bob", "--scope", "metrics", typed=PASSWORD) == 0
    assert run("add", "bob", typed=PASSWORD) == 1
    assert run("add", "eve", typed="short") == 1
    assert run("passwd", "bob", typed="another password") == 0
    assert run("passwd", "nobody", typed="another password") == 1
    assert run("disable", "bob") == 0
    capsys.readouterr()
    assert run("list") == 0
    assert capsys.readouterr().out == "bob\tdisabled\tmetrics\tBob\n"
    assert run("enable", "bob") == 0
