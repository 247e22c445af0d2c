"""A tiny classifier, settings around it, and an application that has loaded it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from serving.app import create_app
from serving.http.watching import Watched
from serving.settings import Settings
from tests.serving import tiny

SECRET = "uYd0n3vG-4kQwZ7rT1sXbE6mJ9hLpC2aVfNoRiB5tUxWzKqDgHyMjPeSlA8cOv_I"
USER, PASSWORD = "alice", "correct horse battery"


@pytest.fixture(scope="session")
def classifier_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models/classifier and dvc.lock; not to be changed."""
    root = tmp_path_factory.mktemp("classifier")
    tiny.build(root)
    return root


@pytest.fixture(scope="module")
def settings(classifier_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings without limits, with one user."""
    return Settings(
        secret_key=SECRET,
        users_database=tmp_path_factory.mktemp("users") / "users.sqlite3",
        test_user=USER,
        test_user_full_name="Alice Martin",
        test_user_password=PASSWORD,
        model=classifier_root / "models" / "classifier",
        lock=classifier_root / "dvc.lock",
        max_body_bytes=200_000,
        max_batch_bytes=400_000,
        max_batch_products=6,
        predict_limit=0,
        token_address_limit=0,
        token_account_limit=0,
        metrics="open",
    )


def changed(settings: Settings, **changes: Any) -> Settings:
    """Other settings, checked as any are."""
    return Settings(**{**dict(settings), **changes})


class Client(TestClient[Any]):
    """Litestar's client, with the application at hand."""

    def __init__(self, watched: Watched) -> None:
        super().__init__(watched, raise_server_exceptions=False)
        self.watched = watched


def wait_ready(client: Client) -> None:
    """Until the classifier is loaded."""
    deadline = time.monotonic() + 10
    while client.get("/health/ready").status_code != 200:
        assert time.monotonic() < deadline, "not ready"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[Client]:
    """A client of an application that is ready."""
    with Client(create_app(settings)) as client:
        wait_ready(client)
        yield client


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[..., Client]]:
    """Starts further applications with other settings."""
    clients: list[Client] = []

    def begin(*, ready: bool = True, **changes: Any) -> Client:
        app = create_app(changed(settings, **changes))
        clients.append(Client(app).__enter__())
        if ready:
            wait_ready(clients[-1])
        return clients[-1]

    yield begin
    for client in clients:
        client.__exit__(None, None, None)


def bearer(client: Client, scopes: tuple[str, ...] = ("predict",)) -> dict[str, str]:
    """The Authorization field of the first user."""
    return {"Authorization": f"Bearer {client.watched.service.tokens.issue(USER, scopes)}"}


@pytest.fixture(scope="module")
def auth(client: Client) -> dict[str, str]:
    """The Authorization field for `client`."""
    return bearer(client)
