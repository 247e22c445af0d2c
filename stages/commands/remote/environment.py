"""Where a team's servers are: frozen, typed settings from the environment and `.env`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    SecretStr,
    ValidationError,
)

from serving.classifier.tolerance import TOLERATED
from serving.settings import SettingsError, read_env_file
from stages.commands.exit_codes import CommandError, ExitCode
from stages.commands.repository import ROOT

ENV_FILE = ROOT / ".env"


class EnvironmentFault(CommandError):
    """Variables are wrong; the message names them, and no value."""

    code = ExitCode.UNUSABLE


def _address(given: Any) -> Any:
    """An address that holds a password would show it in every message."""
    if isinstance(given, str) and urlsplit(given).password:
        raise ValueError("expected no password in the address; it has a variable of its own")
    return given


def _several(given: Any) -> Any:
    """Parts between commas; anything but text is left as it is."""
    if not isinstance(given, str):
        return given
    return tuple(part.strip() for part in given.split(",") if part.strip())


Address = Annotated[str, BeforeValidator(_address)]
ServiceAddress = Annotated[Address, Field(pattern="^https?://.+")]


class Environment(BaseModel):
    """A variable that is unset or empty takes the default."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    tracking_uri: Address | None = Field(None, validation_alias="MLFLOW_TRACKING_URI")
    """MLflow's server; without one, a sqlite file in `tracking`."""

    username: str | None = Field(
        None, validation_alias=AliasChoices("MLFLOW_TRACKING_USERNAME", "DAGSHUB_USERNAME")
    )
    """User of that server."""

    password: SecretStr | None = Field(
        None, validation_alias=AliasChoices("MLFLOW_TRACKING_PASSWORD", "DAGSHUB_TOKEN")
    )
    """Password of that user, or DagsHub's token."""

    experiment: str = Field("ProductCodeClassifier", validation_alias="MLFLOW_EXPERIMENT_NAME")
    """MLflow experiment that runs are recorded in."""

    started_by: Literal["person", "ci", "schedule"] = Field(
        "person", validation_alias="RUN_STARTED_BY"
    )
    """Who starts runs; where it is unset, `CI` and `GITHUB_EVENT_NAME` tell."""

    predictions_path: Path | None = Field(None, validation_alias="SERVING_PREDICTIONS_PATH")
    """The service's prediction log."""

    drift_tolerated: NonNegativeFloat = Field(TOLERATED, validation_alias="SERVING_DRIFT_TOLERATED")
    """Population stability index that is no drift, for the service and for reports."""

    corrections_database: SecretStr = Field(
        SecretStr("sqlite:///corrections.sqlite3"), validation_alias="CORRECTIONS_DATABASE"
    )
    """The service's database of corrections."""

    remote_url: Annotated[Address, Field(pattern="^s3://[^/]+")] | None = Field(
        None, validation_alias="REMOTE_URL"
    )
    """Bucket of the DVC remote, with the folder in it: s3://bucket/folder."""

    remote_endpoint: Annotated[Address, Field(pattern="^https?://.+")] | None = Field(
        None, validation_alias="REMOTE_ENDPOINT_URL"
    )
    """Address of an S3 server that is not Amazon's."""

    remote_region: str | None = Field(None, validation_alias="AWS_DEFAULT_REGION")
    """Region of the bucket."""

    remote_anonymous: bool = Field(False, validation_alias="REMOTE_ANONYMOUS")
    """Whether the bucket is read without keys."""

    access_key: SecretStr | None = Field(
        None, validation_alias=AliasChoices("AWS_ACCESS_KEY_ID", "DAGSHUB_TOKEN")
    )
    """Access key of the bucket, or DagsHub's token."""

    secret_key: SecretStr | None = Field(
        None, validation_alias=AliasChoices("AWS_SECRET_ACCESS_KEY", "DAGSHUB_TOKEN")
    )
    """Secret key of the bucket, or DagsHub's token."""

    services: Annotated[tuple[ServiceAddress, ...], BeforeValidator(_several)] = Field(
        (), validation_alias="SERVICE_URLS"
    )
    """Addresses of the running services that take a new classifier, separated by commas."""

    service_user: str | None = Field(None, validation_alias="SERVICE_USER")
    """User of the services, with the scope reload."""

    service_password: SecretStr | None = Field(None, validation_alias="SERVICE_PASSWORD")
    """Password of that user."""

    @property
    def revealed_password(self) -> str | None:
        """The password as MLflow takes it."""
        return self.password.get_secret_value() if self.password else None


def load() -> Environment:
    """Read `.env` if it is there, and the environment over it.

    Raises EnvironmentFault naming every variable that is wrong, but no value: it may be secret.
    """
    try:
        given = dict(read_env_file(ENV_FILE))
    except SettingsError as error:
        raise EnvironmentFault(str(error)) from error
    given |= {name: value for name, value in os.environ.items() if value}
    if "RUN_STARTED_BY" not in given and given.get("CI"):
        scheduled = given.get("GITHUB_EVENT_NAME") == "schedule"
        given["RUN_STARTED_BY"] = "schedule" if scheduled else "ci"
    try:
        return Environment.model_validate(given)
    except ValidationError as error:
        faults = [
            f"{fault['loc'][0]}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        ]
        raise EnvironmentFault("; ".join(faults)) from error
