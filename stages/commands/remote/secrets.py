"""Fill `.env` with the secrets that docker-compose.yml asks for: `make secrets`.

Random ones, for the names that are missing or empty; what stands there stays.
"""

from __future__ import annotations

import re
import secrets
import sys
from pathlib import Path

from dotenv import dotenv_values, set_key

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
    there = dotenv_values(env)
    missing = [name for name in names if not there.get(name)]
    for name in missing:
        set_key(env, name, secrets.token_urlsafe(BYTES), quote_mode="never")
    return missing


def main() -> int:
    """Fill it; the exit status."""
    names = required((ROOT / COMPOSE).read_text(encoding="utf-8"))
    made = fill(ROOT / ".env", names)
    print(f"added to .env: {', '.join(made)}" if made else ".env has every secret")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        print(f"secrets: {error}", file=sys.stderr)
        sys.exit(1)
