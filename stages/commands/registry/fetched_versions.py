"""Registered versions on this machine: fetched, and held to the hash that was registered.

An alias has a link of its own to the version that it names.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from mlflow import MlflowClient

from serving.inference.lock import excerpt_path, md5_of_files
from stages.commands.exit_codes import CommandError
from stages.commands.registry import server, versions
from stages.commands.registry.records import HOME
from stages.commands.registry.versions import Version
from stages.commands.results import dvc_lock
from stages.commands.results.dvc_lock import present_hash

FETCHED = HOME / "models"
_MEASURED = "metrics/evaluation.json"


def fetch(client: MlflowClient, version: Version, destination: Path) -> None:
    """Make `destination` hold the version: models/classifier, and `serving` that answers with it.

    Raises CommandError when the classifier is not the registered one; nothing is kept then.
    """
    classifier = destination / dvc_lock.CLASSIFIER
    if present_hash(classifier) == version.model:
        return
    shutil.rmtree(destination, ignore_errors=True)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=destination.parent) as folder:
        draft = Path(folder) / "draft"
        downloaded = versions.download(client, version, Path(folder) / "downloaded")
        artifact = downloaded / "artifacts" / classifier.name
        actual = present_hash(artifact)
        if actual != version.model:
            raise CommandError(
                f"version {version.number} holds a classifier with hash {actual}; its registration "
                f"says {version.model or 'none'}"
            )
        (draft / classifier.parent.name).mkdir(parents=True)
        artifact.rename(draft / dvc_lock.CLASSIFIER)
        (downloaded / "code" / "serving").rename(draft / "serving")
        draft.rename(destination)


def place(address: str) -> Path:
    """Fetch what `address` names and have its link, if it is an alias, lead there.

    Returns the classifier's folder, its excerpt of the lock beside it. Raises CommandError when
    there is nothing to serve.
    """
    with server.configured() as client:
        version = versions.named(client, address)
        folder = FETCHED / version.model.removesuffix(".dir")
        fetch(client, version, folder)
        _write_excerpt(client, version, folder / dvc_lock.CLASSIFIER)
    print(f"{versions.NAME} version {version.number}: {version.model}", flush=True)
    _, is_alias, alias = address.partition("@")
    return (_link(alias, folder) if is_alias else folder) / dvc_lock.CLASSIFIER


def _write_excerpt(client: MlflowClient, version: Version, classifier: Path) -> None:
    """Write beside the classifier what the service reads instead of a dvc.lock."""
    with tempfile.TemporaryDirectory() as folder:
        measured = versions.run_file(client, version, _MEASURED, Path(folder))
        excerpt = {
            "md5": version.model,
            "files": md5_of_files(classifier),
            "measured": json.loads(measured.read_text(encoding="utf-8")),
        }
    path = excerpt_path(classifier)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(excerpt, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    fresh.replace(path)  # at once: a service may be reading it


def _link(alias: str, folder: Path) -> Path:
    """Replace the alias' link at once, so that a service never finds none."""
    link = FETCHED / alias
    with tempfile.TemporaryDirectory(prefix=".", dir=FETCHED) as draft:
        fresh = Path(draft) / alias
        fresh.symlink_to(folder.name)  # read from where it is going to lie
        fresh.replace(link)
    return link
