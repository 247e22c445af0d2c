"""What tests with a team's servers share; without the servers they are skipped, or forbidden to."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from stages.commands.monitor import local_servers as servers
from stages.commands.supervisor import ProgramError
from tests.support import tracked
from tests.support.servers import Server, Store, mlflow_server, s3_server

NEEDED = {"mlflow": "mlflow[auth]", "flask_wtf": "mlflow[auth]", "moto": "moto[server]"}
"""Modules, and the package that brings each."""


@pytest.fixture(autouse=True, scope="session")
def servers_are_there() -> None:
    """Skip where a server is not installed; fail where skipping is forbidden."""
    missing = sorted({NEEDED[name] for name in NEEDED if importlib.util.find_spec(name) is None})
    if missing:
        give_up(f"not installed: {', '.join(missing)} (make venv installs them)")


@pytest.fixture(scope="session")
def monitoring_is_there() -> None:
    """The same for Prometheus and what stands beside it."""
    try:
        servers.installed()
    except ProgramError as error:
        give_up(str(error))


def give_up(reason: str) -> NoReturn:
    """Skip, or fail where that is forbidden."""
    if os.environ.get("INTEGRATION") == "required":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def mlflow_at(
    tmp_path_factory: pytest.TempPathFactory, servers_are_there: None
) -> Iterator[Server]:
    """A running MLflow server."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.fixture(scope="session")
def store_at(tmp_path_factory: pytest.TempPathFactory, servers_are_there: None) -> Iterator[Store]:
    """A running S3 server."""
    with s3_server(tmp_path_factory.mktemp("s3")) as store:
        yield store


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """A repository with a result that took a moment to make."""
    return tracked.make(tmp_path / "repository")
