"""Serve a registered version: `make serve MODEL=models:/product-classifier@champion`.

Its files are fetched and held to the hash that the registration carries, and the service holds them
to it again at its start and at every reload: what is not as registered is not served.

An alias has a link of its own to the version that it names, and the service serves what the link
leads to. `--fetch` only fetches the version and moves the link, for a service that runs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from mlflow import MlflowClient

from stages.commands.registry import server, versions
from stages.commands.registry.server import HOME, TrackingError
from stages.commands.registry.versions import Version
from stages.commands.remote import environment
from stages.commands.repository import ResultError
from stages.commands.results import dvc_lock

FETCHED = HOME / "models"
_ADDRESS = re.compile(rf"models:/{versions.NAME}(?:@(?P<alias>[\w-]+)|/(?P<number>\d+))")
_MEASURED = "metrics/evaluation.json"


class UnregisteredError(ResultError):
    """No version has that name."""

    status = 7


def named(client: MlflowClient, address: str) -> Version:
    """The version that models:/NAME@ALIAS or models:/NAME/NUMBER names.

    Raises UnregisteredError when there is none, ResultError when that names nothing.
    """
    parts = _ADDRESS.fullmatch(address)
    if parts is None:
        raise ResultError(
            f"{address!r}: expected models:/{versions.NAME}@{versions.CHAMPION} or "
            f"models:/{versions.NAME}/<number>"
        )
    version = (
        versions.by_alias(client, parts["alias"])
        if parts["alias"]
        else versions.by_number(client, parts["number"])
    )
    if version is None:
        raise UnregisteredError(f"{address} is not registered")
    return version


def fetch(client: MlflowClient, version: Version, destination: Path) -> None:
    """Make `destination` hold the version: models/classifier, and `serving` that answers with it.

    Raises ResultError when the classifier is not the registered one; nothing is kept then.
    """
    classifier = destination / dvc_lock.CLASSIFIER
    if dvc_lock.content_hash(dvc_lock.files_below(classifier)) == version.model:
        return
    shutil.rmtree(destination, ignore_errors=True)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=destination.parent) as folder:
        made = Path(folder) / "made"
        downloaded = versions.download(client, version, Path(folder) / "downloaded")
        found = downloaded / "artifacts" / classifier.name
        actual = dvc_lock.content_hash(dvc_lock.files_below(found))
        if actual != version.model:
            raise ResultError(
                f"version {version.number} holds a classifier with hash {actual}; its registration "
                f"says {version.model or 'none'}"
            )
        (made / classifier.parent.name).mkdir(parents=True)
        found.rename(made / dvc_lock.CLASSIFIER)
        (downloaded / "code" / "serving").rename(made / "serving")
        made.rename(destination)


def _excerpt_of(classifier: Path) -> Path:
    """Where the service expects the excerpt of the lock of this folder."""
    return classifier.with_name(f"{classifier.name}.lock.json")


def write_excerpt(client: MlflowClient, version: Version, classifier: Path) -> None:
    """Write beside the classifier what the service reads instead of a dvc.lock."""
    with tempfile.TemporaryDirectory() as folder:
        measured = versions.run_file(client, version, _MEASURED, Path(folder))
        excerpt = {
            "md5": version.model,
            "files": {
                name: dvc_lock.content_hash({".": content})
                for name, content in dvc_lock.files_below(classifier).items()
            },
            "measured": json.loads(measured.read_text(encoding="utf-8")),
        }
    text = json.dumps(excerpt, indent=1, sort_keys=True) + "\n"
    path = _excerpt_of(classifier)
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)  # at once: a service may be reading it


def place(address: str) -> Path:
    """Fetch what `address` names and have its link, if it is an alias, lead there.

    Returns the classifier's folder, its excerpt of the lock beside it. Raises ResultError or
    TrackingError when there is nothing to serve.
    """
    settings = environment.load()
    uri = settings.tracking_uri or server.local()
    with server.session(uri, settings.username, settings.revealed_password) as client:
        version = named(client, address)
        found = FETCHED / version.model.removesuffix(".dir")
        fetch(client, version, found)
        write_excerpt(client, version, found / dvc_lock.CLASSIFIER)
    print(f"{versions.NAME} version {version.number}: {version.model}", flush=True)
    _, is_alias, alias = address.partition("@")
    return (_link(alias, found) if is_alias else found) / dvc_lock.CLASSIFIER


def _link(alias: str, found: Path) -> Path:
    """Replace the alias' link at once, so that a service never finds none."""
    link = FETCHED / alias
    with tempfile.TemporaryDirectory(prefix=".", dir=FETCHED) as folder:
        fresh = Path(folder) / alias
        fresh.symlink_to(found.name)  # read from where it is going to lie
        fresh.replace(link)
    return link


def main(address: str) -> None:
    """Become the service. Raises as `place` does."""
    classifier = place(address)
    os.environ["SERVING_MODEL"] = str(classifier)
    os.environ["SERVING_LOCK"] = str(_excerpt_of(classifier))
    os.execv(sys.executable, [sys.executable, "-m", "serving"])  # noqa: S606


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m stages.commands.registry.serve_version")
    parser.add_argument("--fetch", action="store_true")
    parser.add_argument("model", help=f"models:/{versions.NAME}@{versions.CHAMPION}")
    asked = parser.parse_args()
    try:
        (place if asked.fetch else main)(asked.model)
    except (ResultError, TrackingError, OSError, ValueError) as error:
        sys.exit(f"serve: {error}")
