"""An application of the service in this process: its first user, its client, other settings."""

from __future__ import annotations

from typing import Any

from litestar.testing import TestClient

from serving.middleware import RequestMiddleware
from serving.settings import Settings
from tests.support.waiting import wait_until

SECRET = "uYd0n3vG-4kQwZ7rT1sXbE6mJ9hLpC2aVfNoRiB5tUxWzKqDgHyMjPeSlA8cOv_I"
USER, PASSWORD = "alice", "correct horse battery"
ACCOUNT = {"SECRET_KEY": SECRET, "TEST_USER": USER, "TEST_USER_PASSWORD": PASSWORD}
"""Variables of a process that has this user."""


def changed(settings: Settings, **changes: Any) -> Settings:
    """Other settings, checked as any are."""
    return Settings(**{**dict(settings), **changes})


class Client(TestClient[Any]):
    """Litestar's client, with the application at hand."""

    def __init__(self, app: RequestMiddleware) -> None:
        super().__init__(app, raise_server_exceptions=False)
        self.watched = app


def wait_ready(client: Client) -> None:
    """Until the classifier is loaded."""
    wait_until(lambda: client.get("/health/ready").status_code == 200, "not ready")


def bearer(
    client: Client, scopes: tuple[str, ...] = ("predict",), username: str = USER
) -> dict[str, str]:
    """The Authorization field of a user."""
    service = client.watched.service
    found = service.users.find(username)
    token = service.tokens.issue(username, scopes, found[0].version if found else "")
    return {"Authorization": f"Bearer {token}"}
