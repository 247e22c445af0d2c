"""Accounts in the running application: who is shut out, whose tokens end, what is written down."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from serving import logs
from serving.access.limits import Limits, counted
from serving.access.users import __main__ as command
from serving.access.users import directory
from serving.access.users.store import Users
from serving.errors import LimitExceeded
from serving.metrics import Metrics
from serving.settings import Settings
from tests.support.answers import is_problem
from tests.support.process import free_port
from tests.support.service import PASSWORD, SECRET, USER, Client, bearer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("standing_clock")]

Start = Callable[..., Client]
OWNER, STRANGER = "192.0.2.1", "198.51.100."


def login(client: Client, address: str, password: str = PASSWORD) -> Any:
    return client.post(
        "/token",
        data={"username": USER, "password": password},
        headers={"X-Forwarded-For": address},
    )


@pytest.fixture
def proxied(start: Start, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client that may name the address it comes from."""
    monkeypatch.setattr(
        "serving.middleware.client_address", lambda peer, forwarded, trusted: forwarded or peer
    )
    return start(
        token_account_limit=2, token_account_total_limit=4, trusted_proxies=("127.0.0.1/32",)
    )


def test_strangers_do_not_shut_out_the_owner(proxied: Client) -> None:
    assert login(proxied, OWNER).status_code == 200
    for number in range(3):
        assert login(proxied, f"{STRANGER}{number}", "wrong").status_code == 400
    is_problem(login(proxied, f"{STRANGER}9", "wrong"), 429)
    assert login(proxied, OWNER).status_code == 200, "the owner's place is known"
    is_problem(login(proxied, OWNER), 429)


def test_what_an_address_is_counted_as() -> None:
    assert counted("2001:db8:1:2:3::4") == counted("2001:db8:1:2:ffff::1")
    assert counted("2001:db8:1:2::") != counted("2001:db8:1:3::")
    assert counted("::ffff:192.0.2.1") == counted("192.0.2.1") == "192.0.2.1"
    assert counted("fe80::1%eth0") == counted("fe80::2")
    assert counted("testclient") == "testclient"


@pytest.mark.anyio
async def test_logins_are_counted_here_when_redis_is_gone() -> None:
    settings = Settings(
        limits_storage=f"redis://127.0.0.1:{free_port()}/0",
        token_address_limit=2,
        predict_limit=1,
    )
    limits = Limits(settings, Metrics())
    for _ in range(3):
        await limits.count(limits.predict, "alice")
    for _ in range(2):
        await limits.count(limits.token_address, OWNER)
    with pytest.raises(LimitExceeded):
        await limits.count(limits.token_address, OWNER)
    await limits.close()


@pytest.mark.parametrize("verb", ["passwd", "disable", "enable", "revoke", "delete"])
def test_a_change_of_a_user_ends_the_tokens(
    start: Start, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr(directory, "CACHE_SECONDS", 0.0)
    client = start()
    users = client.watched.service.users
    users.add("bob", "", ("predict",), PASSWORD)
    headers = bearer(client, username="bob")
    assert client.get("/verify-token", headers=headers).status_code == 200
    change: dict[str, Callable[[], None]] = {
        "passwd": lambda: users.set_password("bob", PASSWORD),
        "disable": lambda: users.set_disabled("bob", True),
        "enable": lambda: users.set_disabled("bob", False),
        "revoke": lambda: users.revoke("bob"),
        "delete": lambda: users.delete("bob"),
    }
    change[verb]()
    is_problem(client.get("/verify-token", headers=headers), 401)
    if verb == "delete":
        users.add("bob", "", ("predict",), PASSWORD)
        is_problem(client.get("/verify-token", headers=headers), 401)
    users.delete("bob")


def test_who_logs_in_after_a_change_is_let_in_at_once(start: Start) -> None:
    """Though the user from before the change is still remembered, in another process, too."""
    client = start()
    users = client.watched.service.users
    users.add("bob", "", ("predict",), PASSWORD)
    assert client.get("/verify-token", headers=bearer(client, username="bob")).is_success
    users.revoke("bob")
    assert client.get("/verify-token", headers=bearer(client, username="bob")).is_success
    users.delete("bob")


def test_a_token_for_nobody_that_can_be_is_refused(client: Client) -> None:
    token = client.watched.service.tokens.issue(USER, ("predict",), "v")
    claims = jwt.decode(token, options={"verify_signature": False})
    strange = jwt.encode({**claims, "sub": "\ud800"}, SECRET, algorithm="HS256")
    headers = {"Authorization": f"Bearer {strange}"}
    is_problem(client.get("/verify-token", headers=headers), 401)


def test_a_database_from_before_versions_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "users.sqlite3"
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE users (username TEXT PRIMARY KEY, full_name TEXT NOT NULL, password_hash"
            " TEXT NOT NULL, scopes TEXT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0) STRICT"
        )
        database.execute("INSERT INTO users VALUES ('alice', '', 'x', 'predict', 0)")
    database.close()
    users = Users(path)
    users.create()
    users.create()
    [alice] = users.list()
    assert (alice.username, alice.version) == ("alice", "")
    users.revoke("alice")
    assert users.list()[0].version


@pytest.mark.parametrize("how", ["locked", "removed", "corrupt"])
def test_users_that_cannot_be_read_are_503(start: Start, tmp_path: Path, how: str) -> None:
    path = tmp_path / "users.sqlite3"
    client = start(users_database=path)
    headers = bearer(client)
    holder = sqlite3.connect(path)
    try:
        if how == "locked":
            holder.execute("BEGIN EXCLUSIVE")
        elif how == "removed":
            path.unlink()
        else:
            path.write_bytes(b"no database at all" * 1000)
        form = {"username": USER, "password": PASSWORD}
        for response in (
            client.post("/token", data=form),
            client.get("/verify-token", headers=headers),
            client.get("/health/ready"),
        ):
            is_problem(response, 503)
            assert response.headers["retry-after"] == "5"
        assert not path.exists() or how != "removed", "none is made by looking"
    finally:
        holder.close()
    if how == "locked":
        assert client.get("/health/ready").status_code == 200


def test_the_command_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USERS_DATABASE", str(tmp_path / "users.sqlite3"))
    monkeypatch.setenv("SERVING_LOGGER_PATH", str(tmp_path / "log"))
    monkeypatch.setattr(command, "read_password", lambda: PASSWORD)
    for arguments, said in (
        (["add", "bob"], "added bob"),
        (["scopes", "bob", "--scope", "metrics"], "set the scopes of bob (metrics)"),
        (["scopes", "bob"], "set the scopes of bob (no scope)"),
        (["revoke", "bob"], "ended the tokens of bob"),
        (["passwd", "bob"], "changed the password and ended the tokens of bob"),
        (["delete", "bob"], "deleted bob"),
    ):
        assert command.main(arguments) == 0
        assert capsys.readouterr().out.startswith(said)
    assert command.main(["delete", "bob"]) == 1
    assert "no user bob" in capsys.readouterr().err
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["event"] for line in lines][:2] == ["user-add", "user-scopes"]
    assert all(line["user"] == "bob" and line["by"] for line in lines)
    assert PASSWORD not in (tmp_path / "log").read_text()


def test_logins_leave_a_line_with_an_address(start: Start, tmp_path: Path) -> None:
    logger = logging.getLogger("serving")
    before = logger.handlers, logger.propagate, logger.level
    logs.configure(Settings(logger_path=tmp_path / "log"), console=False)
    try:
        client = start(users_database=tmp_path / "users.sqlite3", token_account_limit=2)
        for password in (PASSWORD, "wrong-guess", "wrong-guess"):
            client.post("/token", data={"username": USER, "password": password})
    finally:
        for handler in logger.handlers:
            handler.close()
        logger.handlers, logger.propagate, logger.level = before
    text = (tmp_path / "log").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    audit = [(line["event"], line["user"], line["client"]) for line in lines if "event" in line]
    assert audit == [
        ("user-add", USER, "settings"),
        ("login", USER, "testclient"),
        ("login-refused", USER, "testclient"),
        ("login-limited", USER, "testclient"),
    ]
    requests = [line for line in lines if line.get("route") == "/token"]
    assert [line["client"] for line in requests] == ["testclient"] * 3
    assert PASSWORD not in text
    assert "wrong-guess" not in text
