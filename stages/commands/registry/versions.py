"""The registered classifier: its versions, each with the hash of what it holds, and its aliases."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException

from stages.commands.exit_codes import CommandError, ExitCode
from stages.commands.registry import logged_model
from stages.commands.registry.records import CODE, FILES, Record
from stages.commands.registry.runs import DATA, LOCK, MODEL
from stages.commands.registry.server import TrackingError

NAME = "product-classifier"
CHALLENGER, CHAMPION = "challenger", "champion"
COMMIT = "commit"

_PLACE = "classifier"
"""Where the model lies among the run's artifacts."""

BEFORE = "champion_before"
"""Tag of a champion: the number of the version whose place it took."""

_ADDRESS = re.compile(rf"models:/{NAME}(?:@(?P<alias>[\w-]+)|/(?P<number>\d+))")
_MISSING = "RESOURCE_DOES_NOT_EXIST"


class AddressError(CommandError):
    """That is no address of a version."""

    code = ExitCode.UNUSABLE


class UnregisteredError(CommandError):
    """No version has that name."""

    code = ExitCode.UNREGISTERED


@dataclass(frozen=True)
class Version:
    """One registered version: its number, the run it comes from, its tags."""

    number: str
    run_id: str
    tags: Mapping[str, str]

    @property
    def model(self) -> str:
        """The hash that dvc.lock gives its classifier."""
        return self.tags.get(MODEL, "")


def register(client: MlflowClient, run_id: str, record: Record, folder: Path) -> Version:
    """Register a queued record's classifier, unless the same one is, and call it challenger."""
    version = by_hash(client, record.model or "")
    if version is None:
        with tempfile.TemporaryDirectory() as scratch:
            saved = Path(scratch) / _PLACE
            logged_model.save(
                folder / FILES / "models" / "classifier", folder / CODE / "serving", saved
            )
            client.log_artifacts(run_id, str(saved), _PLACE)
        _make_name(client)
        source = f"{client.get_run(run_id).info.artifact_uri}/{_PLACE}"
        tags = {MODEL: record.model, LOCK: record.lock, DATA: record.data, COMMIT: record.commit}
        version = _version(client.create_model_version(NAME, source, run_id, tags=tags))
    client.set_registered_model_alias(NAME, CHALLENGER, version.number)
    return version


def _make_name(client: MlflowClient) -> None:
    try:
        client.create_registered_model(NAME, description="Product type codes for listings")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def named(client: MlflowClient, address: str) -> Version:
    """The version that models:/NAME@ALIAS or models:/NAME/NUMBER names.

    Raises UnregisteredError when there is none, AddressError when that names nothing.
    """
    parts = _ADDRESS.fullmatch(address)
    if parts is None:
        raise AddressError(
            f"{address!r}: expected models:/{NAME}@{CHAMPION} or models:/{NAME}/<number>"
        )
    alias, number = parts["alias"], parts["number"]
    version = by_alias(client, alias) if alias else by_number(client, number)
    if version is None:
        raise UnregisteredError(f"{address} is not registered")
    return version


def by_hash(client: MlflowClient, model_hash: str) -> Version | None:
    """The version that holds the classifier with this hash."""
    matches = client.search_model_versions(f"name = '{NAME}' and tags.`{MODEL}` = '{model_hash}'")
    return _version(matches[0]) if matches else None


def by_alias(client: MlflowClient, alias: str) -> Version | None:
    """The version that an alias names."""
    return _existing(lambda: client.get_model_version_by_alias(NAME, alias))


def by_number(client: MlflowClient, number: str) -> Version | None:
    """The version with this number."""
    return _existing(lambda: client.get_model_version(NAME, number))


def _existing(ask: Callable[[], Any]) -> Version | None:
    try:
        return _version(ask())
    except MlflowException as error:
        if error.error_code in (_MISSING, "INVALID_PARAMETER_VALUE"):
            return None
        raise


def _version(registered: Any) -> Version:
    return Version(str(registered.version), str(registered.run_id), dict(registered.tags))


def tag(client: MlflowClient, version: Version, tags: Mapping[str, str]) -> None:
    """Add tags to a version."""
    for key, value in tags.items():
        client.set_model_version_tag(NAME, version.number, key, value[:5000])


def download(client: MlflowClient, version: Version, destination: Path) -> Path:
    """The model folder of a version, below `destination`. Not verified."""
    source = client.get_model_version_download_uri(NAME, version.number)
    return Path(download_artifacts(artifact_uri=source, dst_path=str(destination)))


def run_file(client: MlflowClient, version: Version, path: str, destination: Path) -> Path:
    """A file of the run that a version comes from. Raises TrackingError when it has none."""
    try:
        return Path(client.download_artifacts(version.run_id, path, str(destination)))
    except (MlflowException, OSError) as error:
        raise TrackingError(f"the run of version {version.number} has no {path}") from error
