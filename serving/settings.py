"""What a person sets: frozen, typed settings read from the environment and `.env`.

`python -m serving.settings` prints `.env.example`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import StringIO
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv.parser import parse_stream
from pydantic import (
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from serving.classifier.tolerance import TOLERATED
from serving.errors import SettingsError as SettingsError  # for whoever loads settings

ENV_FILE = Path(".env")

MIN_TOKEN = 32
"""Characters of a token that a person makes: `secrets.token_urlsafe(32)` gives 43."""

Network = IPv4Network | IPv6Network
Port = Annotated[int, Field(ge=1, le=65535)]


def networks(given: Any) -> Any:
    """Addresses or networks (CIDR), separated by commas; anything but text is left as it is."""
    if not isinstance(given, str):
        return given
    return tuple(ip_network(part.strip()) for part in given.split(",") if part.strip())


class Settings(BaseModel):
    """Settings of the service; a variable that is unset or empty takes the default.

    A variable is called SERVING_ and the field's name, unless the field has an alias.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        alias_generator=AliasGenerator(validation_alias=lambda name: f"SERVING_{name.upper()}"),
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    secret_key: SecretStr | None = Field(default=None, validation_alias="SECRET_KEY")
    """Key that signs tokens with HS256/384/512: random, at least as long as the hash (32, 48 or
    64 bytes). Make one: python -c "import secrets; print(secrets.token_urlsafe(64))"."""

    previous_secret_key: SecretStr | None = Field(
        default=None, validation_alias="PREVIOUS_SECRET_KEY"
    )
    """Key that signed tokens before a rotation; still accepted, never used to sign."""

    algorithm: Literal["HS256", "HS384", "HS512", "EdDSA"] = Field(
        default="HS256", validation_alias="ALGORITHM"
    )
    """Signature of tokens, and the only one accepted: HS256, HS384, HS512 or EdDSA."""

    private_key_file: Path | None = Field(default=None, validation_alias="PRIVATE_KEY_FILE")
    """With EdDSA: PEM file of the Ed25519 private key. Make one:
    openssl genpkey -algorithm ed25519 -out token-key.pem."""

    previous_public_key_file: Path | None = Field(
        default=None, validation_alias="PREVIOUS_PUBLIC_KEY_FILE"
    )
    """With EdDSA: PEM file of the public key used before a rotation; still accepted."""

    token_minutes: PositiveInt = Field(default=30, validation_alias="ACCESS_TOKEN_EXPIRE_MINUTES")
    """Minutes a token is valid."""

    token_issuer: str = Field(default="product-codes", validation_alias="TOKEN_ISSUER")
    """`iss` of the tokens; processes that share tokens share it."""

    token_audience: str = Field(default="product-codes", validation_alias="TOKEN_AUDIENCE")
    """`aud` of the tokens; processes that share tokens share it."""

    users_database: Path = Field(default=Path("users.sqlite3"), validation_alias="USERS_DATABASE")
    """SQLite file with the users (python -m serving.access.users)."""

    test_user: str | None = Field(default=None, validation_alias="TEST_USER")
    """Name of a first user, created at start when it does not exist."""

    test_user_full_name: str = Field(default="", validation_alias="TEST_USER_FULLNAME")
    """Full name of that user."""

    test_user_password: SecretStr | None = Field(
        default=None, validation_alias="TEST_USER_PASSWORD"
    )
    """Password of that user; required with TEST_USER."""

    host: str = "127.0.0.1"
    """Address to listen on."""

    port: Port = 8000
    """Port of the service."""

    auth_port: Port = 8011
    """Port of the authentication routes when they run alone (python -m serving auth)."""

    share_port: bool = False
    """Whether several processes may listen on the port and share its connections; each counts its
    limits for itself unless SERVING_LIMITS_STORAGE is Redis."""

    backlog: PositiveInt = 1024
    """Connections the system holds until the service takes them."""

    connections: PositiveInt = 1024
    """Connections at once, half of them from one address; a further one is closed."""

    address_connections: PositiveInt = 64
    """Connections at once from one address; over a further one only /health is answered. Trusted
    proxies have no such limit."""

    client_seconds: PositiveInt = 10
    """Seconds a client may take to send the head of a request, to go on with its body (16 KiB a
    second are always enough), and to take its answer."""

    model: Path = Path("models/classifier")
    """Folder of the exported classifier."""

    lock: Path = Path("dvc.lock")
    """Lock file the folder is compared with: dvc.lock, or its excerpt beside the folder
    (models/classifier.lock.json, written by python -m serving.inference.lock)."""

    model_hash: str | None = None
    """Lock hash the classifier must have, whatever the lock file says; `model` of every answer."""

    public_key: Path | None = None
    """PEM file of a public key (P-256, P-384 or P-521): only a classifier that its private half
    signed is loaded. Needs requirements/signing.txt."""

    signature: Path | None = None
    """Signature that the public key demands; default: beside the folder (models/classifier.sig,
    written by make sign)."""

    threads: NonNegativeInt = 0
    """Inferences at once; 0: as many as the processors this process may use."""

    queue: NonNegativeInt = 64
    """Requests that may wait for an inference; a further one is answered 503."""

    top: PositiveInt = 5
    """Codes listed in `predictions`, best first."""

    max_body_bytes: PositiveInt = 16 * 2**20
    """Largest body of a request, in bytes."""

    max_batch_bytes: PositiveInt = 32 * 2**20
    """Largest body of a batch, in bytes."""

    bodies_bytes: PositiveInt = 128 * 2**20
    """Bytes of bodies held at once, over all requests; one user may hold a quarter of them, or one
    batch. A further request is answered 503."""

    max_batch_products: PositiveInt = 64
    """Most products in a batch."""

    max_text: PositiveInt = 50_000
    """Most characters in a designation or a description."""

    max_pixels: PositiveInt = 12 * 2**20
    """Most pixels of a picture, width x height: a telephone's photograph. A WebP or an AVIF, which
    takes twice the memory, may have half of them."""

    predict_limit: NonNegativeInt = 10
    """Products a user may ask about in a minute; 0: no limit."""

    token_address_limit: NonNegativeInt = 30
    """Logins an address may try in a minute; 0: no limit."""

    token_account_limit: NonNegativeInt = 10
    """Logins that one address may try on one account in a minute; 0: no limit."""

    token_account_total_limit: NonNegativeInt = 100
    """Logins that may be tried on an account in a minute, from wherever; 0: no limit. An address
    that has logged in to it lately is not stopped by it."""

    limits_storage: SecretStr = SecretStr("memory://")
    """Where limits are counted: memory:// (this process alone) or redis://host:port/database."""

    limits_failure: Literal["open", "closed"] = "open"
    """When Redis does not answer: open lets products through and counts logins in this process,
    closed answers 503."""

    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(networks)] = ()
    """Proxies whose X-Forwarded-For is believed: addresses or networks, separated by commas."""

    metrics: Literal["scope", "open"] = "scope"
    """Who may read /metrics: scope (a bearer token with the scope metrics) or open (anyone)."""

    metrics_token: SecretStr | None = Field(default=None, min_length=MIN_TOKEN)
    """Bearer token with the scope metrics that does not end, for Prometheus: at least 32
    characters. Make one: python -c "import secrets; print(secrets.token_urlsafe(32))"."""

    logger_path: Path | None = None
    """Log file beside standard output; rotated."""

    logger_bytes: PositiveInt = 10 * 2**20
    """Bytes after which the log file is rotated."""

    logger_files: PositiveInt = 5
    """Rotated log files that are kept."""

    drift_window: PositiveInt = 1000
    """Latest answered products that are compared with those of training."""

    drift_tolerated: NonNegativeFloat = TOLERATED
    """Population stability index that is no drift, however many products show it."""

    predictions_path: Path | None = None
    """Prediction log, rotated: one JSON line for each answered product, with its identifier, its
    answer and what drift is told by. Without a path there is none."""

    predictions_bytes: PositiveInt = 10 * 2**20
    """Bytes after which the prediction log is rotated."""

    predictions_files: PositiveInt = 5
    """Rotated prediction logs that are kept."""

    predictions_text: bool = False
    """Whether the prediction log holds designation and description, 1,000 characters of each."""

    corrections_database: SecretStr = Field(
        default=SecretStr("sqlite:///corrections.sqlite3"), validation_alias="CORRECTIONS_DATABASE"
    )
    """Where corrections and what waits for review are kept: sqlite:///file or, for several
    replicas, postgresql+psycopg://user:password@host/database (requirements/postgresql.txt)."""

    review_queue: NonNegativeInt = 10_000
    """Answers that are kept for review at most, the latest; 0: none is."""

    review_sample: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Share of the accepted answers that is reviewed as well, drawn by chance: only by these the
    precision of what was accepted is measured."""

    review_pictures: bool = False
    """Whether pictures of up to 1 MiB are kept for review and with corrections."""

    review_days: PositiveInt = 90
    """Days after which an answer kept for review is forgotten; corrections stay."""

    review_lease: PositiveInt = 300
    """Seconds that a product belongs to the reviewer who was given it."""

    session_hours: PositiveInt = 8
    """Hours after which a person has to log in to the page again; a session that is not used ends
    with its token."""

    grace_seconds: NonNegativeInt = 20
    """Seconds a stopping service waits for the requests in flight."""

    inference: Literal["fast", "exact"] = "fast"
    """How graphs are run: fast takes half the time for a picture, with probabilities that differ
    from the pipeline's by as little as the manifest says; exact runs them as the pipeline did."""

    @classmethod
    def load(cls) -> Settings:
        """Read `.env` if it is there, and the environment over it.

        Raises SettingsError naming every variable that is wrong, but no value: it may be secret.
        """
        given = {**dict(read_env_file()), **EnvSettingsSource(_Variables)()}
        try:
            return cls.model_validate(given, extra="ignore", by_alias=True, by_name=False)
        except ValidationError as error:
            faults = [
                f"{fault['loc'][0]}: {fault['msg'].removeprefix('Value error, ')}"
                for fault in error.errors()
            ]
            raise SettingsError("; ".join(faults)) from error


class _Variables(Settings, BaseSettings):
    """The same as pydantic-settings looks for them; apart, so that `Settings()` reads nothing."""

    model_config = SettingsConfigDict(
        case_sensitive=True,
        env_ignore_empty=True,
        enable_decoding=False,
        use_attribute_docstrings=False,  # to read them again would take 20 ms of every start
    )


def read_env_file(path: Path | None = None) -> Iterator[tuple[str, str]]:
    """Variables of `path` (default: `.env`) that are not empty, in python-dotenv's syntax.

    pydantic-settings would replace `${…}`, which changes a secret, and pass over a line that is no
    NAME=value. Raises SettingsError naming such a line, not its text.
    """
    path = path or ENV_FILE
    if not path.is_file():
        return
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: expected UTF-8") from error
    for binding in parse_stream(StringIO(text)):
        if binding.error or (binding.key and binding.value is None):
            line = binding.original.line + binding.original.string.rstrip().count("\n")
            raise SettingsError(f"{path}, line {line}: expected NAME=value")
        if binding.key and binding.value:
            yield binding.key, binding.value


def documentation() -> Iterator[tuple[str, str, str]]:
    """Every variable, its default ("" for none) and its meaning."""
    for field in Settings.model_fields.values():
        default = field.default
        if isinstance(default, SecretStr):
            default = default.get_secret_value()
        text = "" if default in (None, ()) else str(default)
        yield str(field.validation_alias), text, " ".join((field.description or "").split())


def example() -> str:
    """The text of .env.example: every variable with its meaning and its default."""
    lines = [
        "# Settings of the service: copy to .env and fill in. Written by serving.settings.",
        "# A value that holds spaces, quotes or # stands between single quotes.",
    ]
    for name, default, meaning in documentation():
        lines += ["", f"# {meaning}", f"# {name}={default}" if default else f"{name}="]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(example())
