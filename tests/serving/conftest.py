"""Settings around the tiny classifier, and an application that has loaded it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from serving.app import create_app
from serving.settings import Settings
from tests.support.process import Process, running
from tests.support.service import PASSWORD, SECRET, USER, Client, bearer, changed, wait_ready


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """What coroutines among the tests run on."""
    return "asyncio"


@pytest.fixture
def root(classifier_root: Path, tmp_path: Path) -> Path:
    """A copy of the classifier and its lock that may be changed, and a service started in."""
    return Path(shutil.copytree(classifier_root, tmp_path / "root"))


@pytest.fixture(scope="module")
def serve(
    classifier_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Process]]:
    """Starts processes for a whole module, each in a folder of its own."""
    with ExitStack() as stack:

        def begin(variables: dict[str, str]) -> Process:
            folder = tmp_path_factory.mktemp("served") / "root"
            shutil.copytree(classifier_root, folder)
            process = stack.enter_context(running(folder, variables))
            process.folder = folder  # type: ignore[attr-defined]  # for who reads its log
            return process

        yield begin


@pytest.fixture(scope="module")
def settings(classifier_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings without limits, with one user."""
    databases = tmp_path_factory.mktemp("users")
    return Settings(
        secret_key=SECRET,
        users_database=databases / "users.sqlite3",
        corrections_database=f"sqlite:///{databases / 'corrections.sqlite3'}",
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


@pytest.fixture
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No minute ends in the midst of a test, as the limits count minutes."""
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now)


@pytest.fixture(scope="module")
def auth(client: Client) -> dict[str, str]:
    """The Authorization field for `client`."""
    return bearer(client)
