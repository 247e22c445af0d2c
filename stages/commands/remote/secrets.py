"""Fill `.env` with the secrets that docker-compose.yml asks for: `make secrets`.

Random ones, for the names that are missing or empty; what stands there stays.
"""

from __future__ import annotations

import re
from pathlib import Path
from secrets import token_urlsafe

from dotenv import set_key

from serving.settings import read_env_file
from stages.commands.repository import ROOT

COMPOSE = "docker-compose.yml"
BYTES = 64
"""Random bytes of a secret: as many as HS512, the longest of the keys, asks for (RFC 7518)."""

_REQUIRED = re.compile(r"\$\{([A-Z_]+):\?")


def required(compose: str) -> list[str]:
    """Names that the compose file refuses to be without, in their order."""
    return list(dict.fromkeys(_REQUIRED.findall(compose)))


def fill(env: Path, names: list[str]) -> list[str]:
    """Give each of `names` that has no value in `env` a secret; returns those. Its mode is 0600."""
    env.touch(0o600)
    env.chmod(0o600)
    present = dict(read_env_file(env))
    missing = [name for name in names if name not in present]
    for name in missing:
        set_key(env, name, token_urlsafe(BYTES), quote_mode="never")
    return missing


def secrets() -> None:
    """Add to .env the secrets that docker-compose.yml asks for and .env lacks."""
    added = fill(ROOT / ".env", required((ROOT / COMPOSE).read_text(encoding="utf-8")))
    print(f"added to .env: {', '.join(added)}" if added else ".env has every secret")
