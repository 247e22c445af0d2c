"""Name the team's S3 bucket to DVC: `make remote`, from `.env` or the environment.

The remote `origin` of .dvc/config says how objects are treated; where they are, and the keys, go
into .dvc/config.local, which git does not track and nobody else may read. Until then no remote is
the default one, and nothing asks for any.
"""

from __future__ import annotations

from typing import Any

from dvc.config import Config

from stages.commands.remote import environment
from stages.commands.remote.environment import Environment, EnvironmentFault
from stages.commands.repository import ROOT

NAME = "origin"


def options(settings: Environment) -> dict[str, Any]:
    """DVC's options of the remote that `settings` name."""
    keys = settings.access_key, settings.secret_key
    if (keys[0] is None) != (keys[1] is None):
        raise EnvironmentFault(
            "expected both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither"
        )
    access, secret = (key.get_secret_value() if key else None for key in keys)
    given = {
        "url": settings.remote_url,
        "endpointurl": settings.remote_endpoint,
        "region": settings.remote_region,
        "access_key_id": access,
        "secret_access_key": secret,
        "allow_anonymous_login": settings.remote_anonymous,
    }
    return {name: value for name, value in given.items() if value}


def write(settings: Environment) -> None:
    """Make it the default remote of this clone. In DVC's own code, not by its command: keys in the
    list of processes are no secret."""
    remote = options(settings)
    local = ROOT / ".dvc" / "config.local"
    local.touch(0o600)
    local.chmod(0o600)
    with Config(str(ROOT / ".dvc")).edit("local") as config:
        config["remote"][NAME] = remote
        config["core"]["remote"] = NAME


def configure() -> None:
    """Name the S3 bucket of .env (REMOTE_URL, …) to DVC as its remote."""
    settings = environment.load()
    if settings.remote_url is None:
        print("REMOTE_URL is not set: DVC's remotes stay as they are")
        return
    write(settings)
    print(f"{NAME}: {settings.remote_url} at {settings.remote_endpoint or 'Amazon S3'}")
