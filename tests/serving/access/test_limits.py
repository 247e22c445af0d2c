"""Limits: counted in memory and in a real Redis, and what happens when Redis is gone."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from serving.access.limits import WINDOW_SECONDS, Limits, client_address
from serving.errors import LimitExceeded
from serving.metrics import Metrics
from serving.settings import Settings, SettingsError
from tests.support.answers import is_problem
from tests.support.process import Process, free_port, running
from tests.support.service import ACCOUNT, PASSWORD, SECRET, USER, Client, bearer, changed
from tests.support.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("standing_clock")]

Start = Callable[..., Client]


class Redis:
    """A Redis server on a free loopback port."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("redis-server is not installed")
        self.port = free_port()
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "dir": folder}
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        self.process = subprocess.Popen(  # noqa: S603
            [program, *arguments], stdout=subprocess.DEVNULL
        )
        self.address = f"redis://127.0.0.1:{self.port}/0"
        self._wait()

    def _wait(self) -> None:
        import redis

        def answers() -> bool:
            with redis.Redis(port=self.port) as probe, suppress(redis.ConnectionError):
                return bool(probe.ping())
            return False

        wait_until(answers, "Redis does not answer")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path)
    yield server
    server.stop()


def ask(client: Client) -> Any:
    return client.post("/predict", headers=bearer(client), json={"designation": "livre"})


def refused(response: Any, limit: str, per_minute: int) -> None:
    body = is_problem(response, 429)
    assert f"At most {per_minute} " in body["detail"]
    seconds = int(response.headers["retry-after"])
    assert 1 <= seconds <= 120
    assert response.headers["ratelimit-policy"] == f'"{limit}";q={per_minute};w=60'
    assert response.headers["ratelimit"].startswith(f'"{limit}";r=')
    assert response.headers["ratelimit"].endswith(f";t={seconds}")


def test_a_user_has_so_many_products_a_minute(start: Start) -> None:
    client = start(predict_limit=3)
    assert [ask(client).status_code for _ in range(3)] == [200] * 3
    refused(ask(client), "predict", 3)
    client.watched.service.users.add("bob", "", ("predict",), "correct horse battery")
    headers = bearer(client, username="bob")
    response = client.post("/predict", headers=headers, json={"designation": "livre"})
    assert response.status_code == 200
    assert 'limit_refusals_total{limit="predict"} 1.0' in client.get("/metrics").text


def test_a_batch_counts_its_products(start: Start) -> None:
    client = start(predict_limit=4)

    def batch(size: int) -> Any:
        products = [{"designation": "livre"}] * size
        return client.post("/predict/batch", headers=bearer(client), json=products)

    assert "must be split" in batch(5).json()["detail"]
    assert batch(3).status_code == 200
    refused(batch(2), "predict", 4)
    assert batch(1).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize("second", [0.5, 20.0, 59.5])
@pytest.mark.parametrize(("per_minute", "cost"), [(1, 1), (3, 1), (3, 3), (10, 1), (10, 7)])
async def test_who_waits_as_told_is_let_in(
    monkeypatch: pytest.MonkeyPatch, per_minute: int, cost: int, second: float
) -> None:
    now = [1_000_000 * WINDOW_SECONDS + second]
    monkeypatch.setattr("time.time", lambda: now[0])
    limits = Limits(Settings(predict_limit=per_minute), Metrics())

    async def let_in() -> int:
        """0, or the seconds to wait."""
        try:
            await limits.count(limits.predict, "alice", cost)
        except LimitExceeded as refusal:
            return refusal.retry_after
        return 0

    for _ in range(5):
        while not (wait := await let_in()):
            now[0] += 0.7
        assert 1 <= wait <= 2 * WINDOW_SECONDS
        now[0] += wait
        assert await let_in() == 0


def test_logins_are_limited_by_address_and_account(start: Start) -> None:
    client = start(token_address_limit=3)
    form = {"username": "a", "password": "x", "scope": "predict"}
    for name in "abc":
        assert client.post("/token", data={**form, "username": name}).status_code == 400
    refused(client.post("/token", data=form), "token-address", 3)
    client = start(token_account_limit=2)
    for _ in range(2):
        assert client.post("/token", data=form).status_code == 400
    refused(client.post("/token", data=form), "token-account", 2)
    assert client.post("/token", data={**form, "username": USER}).status_code == 400
    assert "login_failures_total 3.0" in client.get("/metrics").text


def test_a_proxy_that_adds_a_line_of_its_own_is_heard(
    classifier_root: Path, tmp_path: Path
) -> None:
    variables = {
        "USERS_DATABASE": str(tmp_path / "users.sqlite3"),
        "SECRET_KEY": SECRET,
        "SERVING_TRUSTED_PROXIES": "127.0.0.1",
        "SERVING_TOKEN_ADDRESS_LIMIT": "2",
    }
    with running(classifier_root, variables, "auth") as process:

        def login(made_up: str, address: str) -> Any:
            headers = [("X-Forwarded-For", made_up), ("X-Forwarded-For", address)]
            form = {"username": made_up, "password": "x"}
            return process.client.post("/token", headers=headers, data=form)

        statuses = [login(f"192.0.2.{n}", "198.51.100.1").status_code for n in range(5)]
        assert statuses[:2] == [400, 400]
        assert 429 in statuses[2:], "some more are let in where a minute ends meanwhile"
        assert login("192.0.2.9", "198.51.100.2").status_code == 400


def test_two_processes_share_a_count_in_redis(
    classifier_root: Path, redis: Redis, tmp_path: Path
) -> None:
    variables = {
        "USERS_DATABASE": str(tmp_path / "users.sqlite3"),
        **ACCOUNT,
        "SERVING_LIMITS_STORAGE": redis.address,
        "SERVING_PREDICT_LIMIT": "4",
        "SERVING_TOKEN_ACCOUNT_LIMIT": "3",
    }
    with (
        running(classifier_root, variables) as first,
        running(classifier_root, variables) as second,
    ):
        form = {"username": USER, "password": PASSWORD}
        headers = first.log_in()

        def predict(process: Process) -> Any:
            product = {"designation": "livre"}
            return process.client.post("/predict", headers=headers, json=product)

        assert [predict(process).status_code for process in (first, second) * 2] == [200] * 4
        for process in (first, second):
            refused(predict(process), "predict", 4)
        assert [second.client.post("/token", data=form).status_code for _ in range(2)] == [200] * 2
        for process in (first, second):
            refused(process.client.post("/token", data=form), "token-account", 3)


@pytest.mark.parametrize("how", ["gone", "stuck"])
@pytest.mark.parametrize(("failure", "status"), [("open", 200), ("closed", 503)])
def test_redis_may_go(
    start: Start,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
    failure: str,
    status: int,
    how: str,
) -> None:
    storage = {"limits_storage": redis.address, "limits_failure": failure}
    monkeypatch.setattr("serving.access.limits.REDIS_SECONDS", PATIENCE)
    client = start(predict_limit=1, **storage)
    assert ask(client).status_code == 200
    assert ask(client).status_code == 429
    if how == "gone":
        redis.stop()
    else:
        redis.process.send_signal(signal.SIGSTOP)
        monkeypatch.setattr("serving.access.limits.REDIS_SECONDS", 0.1)
        client = start(predict_limit=1, **storage)
    for _ in range(2):
        response = ask(client)
        assert response.status_code == status
        if status == 503:
            is_problem(response, 503)
            assert response.headers["retry-after"] == "5"
    assert "limit_storage_failures_total 2.0" in client.get("/metrics").text


def test_another_storage_is_refused(settings: Settings) -> None:
    from serving.app import create_app

    with pytest.raises(SettingsError, match="SERVING_LIMITS_STORAGE"):
        create_app(changed(settings, limits_storage="memcached://x"))


PROXIES = (ip_network("10.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.7, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.7, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "rubbish, 10.0.0.2", "10.0.0.2"),
        ("::1", "2001:db8::1", "2001:db8::1"),
        ("unknown", "198.51.100.1", "unknown"),
    ],
)
def test_forwarded_addresses(peer: str, forwarded: str, address: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == address
