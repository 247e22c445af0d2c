"""Serve a registered version: `make serve MODEL=models:/product-classifier@champion`.

Its files are fetched and held to the hash that the registration carries, and the service holds them
to it again at its start: what is not as registered is not served.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from mlflow import MlflowClient

from stages.commands import environment, locks
from stages.commands.clones import ResultError
from stages.tracking import registry, server
from stages.tracking.registry import Version
from stages.tracking.server import HOME, TrackingError

FETCHED = HOME / "models"
_ADDRESS = re.compile(rf"models:/{registry.NAME}(?:@(?P<alias>[\w-]+)|/(?P<number>\d+))")
_MEASURED = "metrics/evaluation.json"


def named(client: MlflowClient, address: str) -> Version:
    """The version that models:/NAME@ALIAS or models:/NAME/NUMBER names.

    Raises ResultError when there is none.
    """
    parts = _ADDRESS.fullmatch(address)
    if parts is None:
        raise ResultError(
            f"{address!r}: expected models:/{registry.NAME}@{registry.CHAMPION} or "
            f"models:/{registry.NAME}/<number>"
        )
    version = (
        registry.by_alias(client, parts["alias"])
        if parts["alias"]
        else registry.by_number(client, parts["number"])
    )
    if version is None:
        raise ResultError(f"{address} is not registered")
    return version


def fetch(client: MlflowClient, version: Version, destination: Path) -> None:
    """Make `destination` hold the version: models/classifier, and `serving` that answers with it.

    Raises ResultError when the classifier is not the registered one; nothing is kept then.
    """
    classifier = destination / locks.CLASSIFIER
    if locks.content_hash(locks.files_below(classifier)) == version.model:
        return
    shutil.rmtree(destination, ignore_errors=True)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=destination.parent) as folder:
        made = Path(folder) / "made"
        downloaded = registry.download(client, version, Path(folder) / "downloaded")
        found = downloaded / "artifacts" / classifier.name
        actual = locks.content_hash(locks.files_below(found))
        if actual != version.model:
            raise ResultError(
                f"version {version.number} holds a classifier with hash {actual}; its registration "
                f"says {version.model or 'none'}"
            )
        (made / classifier.parent.name).mkdir(parents=True)
        found.rename(made / locks.CLASSIFIER)
        (downloaded / "code" / "serving").rename(made / "serving")
        made.rename(destination)


def write_excerpt(client: MlflowClient, version: Version, classifier: Path) -> Path:
    """Write beside the classifier what the service reads instead of a dvc.lock; its path."""
    with tempfile.TemporaryDirectory() as folder:
        measured = registry.run_file(client, version, _MEASURED, Path(folder))
        excerpt = {
            "md5": version.model,
            "files": {
                name: locks.content_hash({".": content})
                for name, content in locks.files_below(classifier).items()
            },
            "measured": json.loads(measured.read_text(encoding="utf-8")),
        }
    text = json.dumps(excerpt, indent=1, sort_keys=True) + "\n"
    excerpt_file = classifier.with_name(f"{classifier.name}.lock.json")
    excerpt_file.write_text(text, encoding="utf-8")
    return excerpt_file


def main(address: str) -> None:
    """Become the service. Raises ResultError or TrackingError when there is nothing to serve."""
    settings = environment.load()
    uri = settings.tracking_uri or server.local()
    with server.session(uri, settings.username, settings.revealed_password) as client:
        version = named(client, address)
        place = FETCHED / version.model.removesuffix(".dir")
        fetch(client, version, place)
        classifier = place / locks.CLASSIFIER
        excerpt = write_excerpt(client, version, classifier)
    print(f"{registry.NAME} version {version.number}: {version.model}", flush=True)
    os.environ["SERVING_MODEL"] = str(classifier)
    os.environ["SERVING_LOCK"] = str(excerpt)
    os.environ["SERVING_MODEL_HASH"] = version.model
    os.execv(sys.executable, [sys.executable, "-m", "serving"])  # noqa: S606


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: make serve MODEL=models:/{registry.NAME}@{registry.CHAMPION}")
    try:
        main(sys.argv[1])
    except (ResultError, TrackingError, OSError, ValueError) as error:
        sys.exit(f"serve: {error}")
