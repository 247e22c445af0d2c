"""Ask the services of SERVICE_URLS to look at their classifier again: `make reload`.

`make reload MODEL=models:/…@champion` fetches first what that names, so that a service which was
started with the same MODEL finds it (stages/commands/registry/serve_version.py).

Exit status: 0 each answers with the classifier that it found, 1 one of them does not, 99 no service
is named, so nothing was asked.
"""

from __future__ import annotations

import sys

import requests

from stages.commands.remote import environment
from stages.commands.remote.environment import Environment
from stages.commands.repository import ResultError

NOBODY = 99
_PATIENCE = 60
"""Seconds a service may take to answer: large graphs load slowly."""


def asked(address: str, settings: Environment) -> str:
    """What a service says it did. Raises ResultError when it did not take the classifier."""
    if settings.service_user is None or settings.service_password is None:
        raise ResultError("SERVICE_USER and SERVICE_PASSWORD name a user with the scope reload")
    form = {
        "username": settings.service_user,
        "password": settings.service_password.get_secret_value(),
    }
    token = _sent(f"{address}/token", data=form)["access_token"]
    told = _sent(f"{address}/model/reload", headers={"Authorization": f"Bearer {token}"})
    return f"{address}: {told['outcome']}, {told['model']}"


def _sent(url: str, **given: dict[str, str]) -> dict[str, str]:
    """The answer to a POST. Raises ResultError with the reason that the service gives."""
    try:
        response = requests.post(url, timeout=_PATIENCE, **given)  # type: ignore[arg-type]
        told: dict[str, str] = response.json()
    except requests.RequestException as error:
        raise ResultError(f"{url} cannot be asked: {error}") from error
    if not response.ok:
        why = told.get("detail") or told.get("error_description") or "no reason given"
        raise ResultError(f"{url} answers {response.status_code}: {why}")
    return told


def main() -> int:
    """Ask each; the exit status."""
    settings = environment.load()
    if not settings.services:
        print("SERVICE_URLS names no service: none was asked")
        return NOBODY
    status = 0
    for service in settings.services:
        try:
            print(asked(service.rstrip("/"), settings))
        except ResultError as error:
            print(f"reload: {error}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ResultError as error:
        sys.exit(f"reload: {error}")
