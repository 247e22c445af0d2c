"""Ask the services of SERVICE_URLS to look at their classifier again: `make reload`.

`make reload MODEL=models:/…@champion` fetches first what that names, so that a service which was
started with the same MODEL finds it (stages/commands/registry/fetched_versions.py).

Exit code: 0 each answers with the classifier that it found, 1 one of them does not, 99 no service
is named, so nothing was asked.
"""

from __future__ import annotations

import sys

import requests
import typer

from stages.commands.exit_codes import CommandError, ExitCode
from stages.commands.remote import environment
from stages.commands.remote.environment import Environment

_PATIENCE = 60
"""Seconds a service may take to answer: large graphs load slowly."""


def ask(address: str, settings: Environment) -> str:
    """What a service says it did. Raises CommandError when it did not take the classifier."""
    if settings.service_user is None or settings.service_password is None:
        raise CommandError("SERVICE_USER and SERVICE_PASSWORD name a user with the scope reload")
    form = {
        "username": settings.service_user,
        "password": settings.service_password.get_secret_value(),
    }
    token = _post(f"{address}/token", data=form)["access_token"]
    report = _post(f"{address}/model/reload", headers={"Authorization": f"Bearer {token}"})
    return f"{address}: {report['outcome']}, {report['model']}"


def _post(url: str, **given: dict[str, str]) -> dict[str, str]:
    """The answer to a POST. Raises CommandError with the reason that the service gives."""
    try:
        response = requests.post(url, timeout=_PATIENCE, **given)  # type: ignore[arg-type]
        content: dict[str, str] = response.json()
    except requests.RequestException as error:
        raise CommandError(f"{url} cannot be asked: {error}") from error
    if not response.ok:
        why = content.get("detail") or content.get("error_description") or "no reason given"
        raise CommandError(f"{url} answers {response.status_code}: {why}")
    return content


def reload() -> None:
    """Have the services of SERVICE_URLS take a new classifier."""
    settings = environment.load()
    if not settings.services:
        print("SERVICE_URLS names no service: none was asked")
        raise typer.Exit(ExitCode.SKIPPED)
    failed = False
    for service in settings.services:
        try:
            print(ask(service.rstrip("/"), settings))
        except CommandError as error:
            print(f"remote reload: {error}", file=sys.stderr)
            failed = True
    if failed:
        raise typer.Exit(ExitCode.FAILED)
