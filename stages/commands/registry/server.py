"""The MLflow server, or the sqlite file that stands for one: found, asked with patience, not for
long."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from requests.exceptions import RequestException

HOME = Path("tracking")
"""Everything that tracking keeps on this machine; ignored by git."""

_AWAY = ("Max retries", "Connection", "timed out", "refused")
"""Words of a failure to connect."""


class TrackingError(RuntimeError):
    """The server cannot do what was asked; the message says why and holds no password."""


def local() -> str:
    """Address of the sqlite file."""
    HOME.mkdir(exist_ok=True)
    return f"sqlite:///{(HOME / 'mlflow.db').resolve()}"


@contextmanager
def session(uri: str, username: str | None, password: str | None) -> Iterator[MlflowClient]:
    """A client of the server at `uri`. What fails is raised as TrackingError, in words for the
    person who configured the server.

    MLflow takes users and passwords from the environment alone. Its defaults would wait minutes for
    a server that is away; the queue waits better.
    """
    given = {
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_TRACKING_USERNAME": username,
        "MLFLOW_TRACKING_PASSWORD": password,
    }
    os.environ.update({name: value for name, value in given.items() if value})
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        yield MlflowClient(uri, uri)
    except (MlflowException, RequestException) as error:
        raise TrackingError(_words(error, uri)) from error


def _words(error: Exception, uri: str) -> str:
    """MLflow tells a refusal of its server in the message alone where it asks for artifacts."""
    first = str(error).strip().partition("\n")[0][:300]
    status = str(error.get_http_status_code()) if isinstance(error, MlflowException) else ""
    if status == "401" or "401" in first:
        return (
            f"{uri} refuses the user or the password; check MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD (DAGSHUB_USERNAME and DAGSHUB_TOKEN)"
        )
    if status == "403" or "403" in first:
        return f"{uri}: the user may not do this: {first}"
    if any(word in first for word in _AWAY):
        return f"{uri} cannot be reached: {first}"
    return f"{uri}: {type(error).__name__}: {first}"


def experiment_id(client: MlflowClient, name: str, uri: str) -> str:
    """The id of the experiment `name`, made where there is none."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    place = (HOME / "artifacts").resolve().as_uri() if uri == local() else None
    try:
        return str(client.create_experiment(name, artifact_location=place))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":  # made by another meanwhile
            raise
        return str(client.get_experiment_by_name(name).experiment_id)
