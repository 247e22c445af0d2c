"""The MLflow server, or the sqlite file that stands for one: found, asked with patience, not for
long."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from requests.exceptions import RequestException

from stages.commands.exit_codes import CommandError
from stages.commands.registry.records import HOME
from stages.commands.remote import environment

_STATUS = re.compile(r"\berror code (\d{3})\b|^(\d{3}) Client Error\b")
"""How MLflow and requests tell a refusal where their errors carry no status of their own."""

_AWAY = ("Max retries", "Connection", "timed out", "refused")
"""Words of a failure to connect."""


class TrackingError(CommandError):
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


def _status(error: MlflowException | RequestException) -> int | None:
    """The HTTP status that the server answered with, if it did answer."""
    if isinstance(error, RequestException):
        return None if error.response is None else int(error.response.status_code)
    words = _STATUS.search(str(error))
    return int(words[1] or words[2]) if words else int(error.get_http_status_code())


def _words(error: MlflowException | RequestException, uri: str) -> str:
    """What went wrong, for the person who configured the server."""
    first = str(error).strip().partition("\n")[0][:300]
    status = _status(error)
    if any(word in first for word in _AWAY):
        return f"{uri} cannot be reached: {first}"
    if status == 401:
        return (
            f"{uri} refuses the user or the password; check MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD (DAGSHUB_USERNAME and DAGSHUB_TOKEN)"
        )
    if status == 403:
        return f"{uri}: the user may not do this: {first}"
    return f"{uri}: {type(error).__name__}: {first}"


@contextmanager
def configured() -> Iterator[MlflowClient]:
    """A session of the server that `.env` or the environment names, or of the sqlite file."""
    settings = environment.load()
    uri = settings.tracking_uri or local()
    with session(uri, settings.username, settings.revealed_password) as client:
        yield client


def experiment_id(client: MlflowClient, name: str, uri: str) -> str:
    """The id of the experiment `name`, made where there is none."""
    experiment = client.get_experiment_by_name(name)
    if experiment is not None:
        return str(experiment.experiment_id)
    place = (HOME / "artifacts").resolve().as_uri() if uri == local() else None
    try:
        return str(client.create_experiment(name, artifact_location=place))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":  # made by another meanwhile
            raise
        return str(client.get_experiment_by_name(name).experiment_id)
