"""What a person sets: one typed, documented dataclass read from the environment and `.env`.

`python -m serving.settings` prints `.env.example`.
"""

# ruff: noqa: RUF009 - `variable` is `dataclasses.field` with a name and a parser

from __future__ import annotations

import ast
import inspect
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Self, TypeVar

T = TypeVar("T")
Network = IPv4Network | IPv6Network

ALGORITHMS = ("HS256", "HS384", "HS512", "EdDSA")
ENV_FILE = Path(".env")
MAX_PORT = 65535


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names the variable and what it takes."""


def variable(name: str, default: T, parse: Callable[[str], T], *, secret: bool = False) -> T:
    """A setting read from the environment variable `name`; a secret is kept out of `repr`."""
    return field(default=default, repr=not secret, metadata={"name": name, "parse": parse})


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """A parser of whole numbers from `least` on, to `most` if given."""

    def parse(text: str) -> int:
        number = int(text)
        if number < least:
            raise ValueError(f"at least {least}")
        if most is not None and number > most:
            raise ValueError(f"at most {most}")
        return number

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """A parser that takes one of `choices`."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return text

    return parse


def networks(text: str) -> tuple[Network, ...]:
    """Addresses or networks (CIDR), separated by commas."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


@dataclass(frozen=True)
class Settings:
    """Settings of the service; a variable that is unset or empty takes the default."""

    secret_key: str | None = variable("SECRET_KEY", None, str, secret=True)
    """Key that signs tokens with HS256/384/512: random, at least as long as the hash (32, 48 or
    64 bytes). Make one: python -c "import secrets; print(secrets.token_urlsafe(64))"."""

    previous_secret_key: str | None = variable("PREVIOUS_SECRET_KEY", None, str, secret=True)
    """Key that signed tokens before a rotation; still accepted, never used to sign."""

    algorithm: str = variable("ALGORITHM", "HS256", one_of(*ALGORITHMS))
    """Signature of tokens, and the only one accepted: HS256, HS384, HS512 or EdDSA."""

    private_key_file: Path | None = variable("PRIVATE_KEY_FILE", None, Path)
    """With EdDSA: PEM file of the Ed25519 private key. Make one:
    openssl genpkey -algorithm ed25519 -out token-key.pem."""

    previous_public_key_file: Path | None = variable("PREVIOUS_PUBLIC_KEY_FILE", None, Path)
    """With EdDSA: PEM file of the public key used before a rotation; still accepted."""

    token_minutes: int = variable("ACCESS_TOKEN_EXPIRE_MINUTES", 30, whole(1))
    """Minutes a token is valid."""

    token_issuer: str = variable("TOKEN_ISSUER", "product-codes", str)
    """`iss` of the tokens; processes that share tokens share it."""

    token_audience: str = variable("TOKEN_AUDIENCE", "product-codes", str)
    """`aud` of the tokens; processes that share tokens share it."""

    users_database: Path = variable("USERS_DATABASE", Path("users.sqlite3"), Path)
    """SQLite file with the users (python -m serving.access.users)."""

    test_user: str | None = variable("TEST_USER", None, str)
    """Name of a first user, created at start when it does not exist."""

    test_user_full_name: str = variable("TEST_USER_FULLNAME", "", str)
    """Full name of that user."""

    test_user_password: str | None = variable("TEST_USER_PASSWORD", None, str, secret=True)
    """Password of that user; required with TEST_USER."""

    host: str = variable("SERVING_HOST", "127.0.0.1", str)
    """Address to listen on."""

    port: int = variable("SERVING_PORT", 8000, whole(1, MAX_PORT))
    """Port of the service."""

    auth_port: int = variable("SERVING_AUTH_PORT", 8011, whole(1, MAX_PORT))
    """Port of the authentication routes when they run alone (python -m serving auth)."""

    model: Path = variable("SERVING_MODEL", Path("models/classifier"), Path)
    """Folder of the exported classifier."""

    lock: Path = variable("SERVING_LOCK", Path("dvc.lock"), Path)
    """Lock file the folder is compared with; where there is none, the excerpt beside the folder
    (models/classifier.lock.json, written by python -m serving.inference.lock) serves."""

    threads: int = variable("SERVING_THREADS", 0, whole(0))
    """Inferences at once; 0: as many as the processors this process may use."""

    queue: int = variable("SERVING_QUEUE", 64, whole(0))
    """Requests that may wait for an inference; a further one is answered 503."""

    top: int = variable("SERVING_TOP", 5, whole(1))
    """Codes listed in `predictions`, best first."""

    max_body_bytes: int = variable("SERVING_MAX_BODY_BYTES", 16 * 2**20, whole(1))
    """Largest body of a request, in bytes."""

    max_batch_bytes: int = variable("SERVING_MAX_BATCH_BYTES", 32 * 2**20, whole(1))
    """Largest body of a batch, in bytes."""

    max_batch_products: int = variable("SERVING_MAX_BATCH_PRODUCTS", 64, whole(1))
    """Most products in a batch."""

    max_text: int = variable("SERVING_MAX_TEXT", 50_000, whole(1))
    """Most characters in a designation or a description."""

    predict_limit: int = variable("SERVING_PREDICT_LIMIT", 10, whole(0))
    """Products a user may ask about in a minute; 0: no limit."""

    token_address_limit: int = variable("SERVING_TOKEN_ADDRESS_LIMIT", 30, whole(0))
    """Logins an address may try in a minute; 0: no limit."""

    token_account_limit: int = variable("SERVING_TOKEN_ACCOUNT_LIMIT", 10, whole(0))
    """Logins that may be tried on an account in a minute; 0: no limit."""

    limits_storage: str = variable("SERVING_LIMITS_STORAGE", "memory://", str, secret=True)
    """Where limits are counted: memory:// (this process alone) or redis://host:port/database."""

    limits_failure: str = variable("SERVING_LIMITS_FAILURE", "open", one_of("open", "closed"))
    """When Redis does not answer: open lets requests through, closed answers 503."""

    trusted_proxies: tuple[Network, ...] = variable("SERVING_TRUSTED_PROXIES", (), networks)
    """Proxies whose X-Forwarded-For is believed: addresses or networks, separated by commas."""

    metrics: str = variable("SERVING_METRICS", "scope", one_of("scope", "open"))
    """Who may read /metrics: scope (a bearer token with the scope metrics) or open (anyone)."""

    logger_path: Path | None = variable("SERVING_LOGGER_PATH", None, Path)
    """Log file beside standard output; rotated."""

    logger_bytes: int = variable("SERVING_LOGGER_BYTES", 10 * 2**20, whole(1))
    """Bytes after which the log file is rotated."""

    logger_files: int = variable("SERVING_LOGGER_FILES", 5, whole(1))
    """Rotated log files that are kept."""

    grace_seconds: int = variable("SERVING_GRACE_SECONDS", 20, whole(0))
    """Seconds a stopping service waits for the requests in flight."""

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None, env_file: Path = ENV_FILE) -> Self:
        """Read `env_file` if it is there, then `environment` (default: os.environ) over it.

        Raises SettingsError naming the variable that is wrong.
        """
        stored = read_env_file(env_file) if env_file.is_file() else {}
        values = {**stored, **(os.environ if environment is None else environment)}
        return cls(**{f.name: _parsed(f, values[name]) for f, name in _named() if values.get(name)})


def _named() -> Iterable[tuple[Field[Any], str]]:
    return [(f, f.metadata["name"]) for f in fields(Settings)]


def _parsed(setting: Field[Any], text: str) -> Any:
    try:
        return setting.metadata["parse"](text)
    except ValueError as error:
        raise SettingsError(f"{setting.metadata['name']}: {error}") from error


def read_env_file(path: Path) -> dict[str, str]:
    """NAME=value lines; `#` opens a comment line, one pair of quotes around a value is dropped."""
    values = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise SettingsError(f"{path}, line {number}: expected NAME=value")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        values[name.strip().removeprefix("export ")] = value
    return values


def documentation() -> dict[str, str]:
    """What the docstring under each field says, by environment variable."""
    [definition] = ast.parse(inspect.getsource(Settings)).body
    names = dict((f.name, name) for f, name in _named())
    documented: dict[str, str] = {}
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for statement, following in itertools.pairwise(body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            text = following.value if isinstance(following, ast.Expr) else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                documented[names[statement.target.id]] = " ".join(text.value.split())
    return documented


def example() -> str:
    """The text of .env.example: every variable with its meaning and its default."""
    meanings = documentation()
    lines = ["# Settings of the service: copy to .env and fill in. Written by serving.settings."]
    for setting, name in _named():
        default = setting.default
        text = "" if default is None or default == () else str(default)
        lines += ["", f"# {meanings[name]}", f"{name}={text}" if not text else f"# {name}={text}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(example())
