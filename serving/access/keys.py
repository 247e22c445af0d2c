"""Keys that sign tokens: none by default, none that is weak, and one more for a rotation."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from pydantic import SecretStr

from serving.errors import SettingsError
from serving.settings import Settings

# RFC 7518 section 3.2: a key at least as long as the hash.
MIN_KEY_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}

MIN_DISTINCT_BYTES = 10
"""Fewer different bytes than a random key of 32 bytes in hexadecimal practically always has."""

HMAC_HOW_TO = 'make one with: python -c "import secrets; print(secrets.token_urlsafe(64))"'
EDDSA_HOW_TO = "make one with: openssl genpkey -algorithm ed25519 -out token-key.pem"

SigningKey = bytes | Ed25519PrivateKey
AcceptedKey = bytes | Ed25519PublicKey


@dataclass(frozen=True)
class Keys:
    """One algorithm, the key that signs, and the keys that are accepted (current one first)."""

    algorithm: str
    signing: SigningKey = field(repr=False)
    accepted: tuple[AcceptedKey, ...] = field(repr=False)

    @classmethod
    def load(cls, settings: Settings) -> Keys:
        """The keys `settings` name. Raises SettingsError saying how to make one."""
        if settings.algorithm == "EdDSA":
            return _key_files(settings)
        return _secrets(settings)


def _secrets(settings: Settings) -> Keys:
    algorithm = settings.algorithm
    if settings.secret_key is None:
        raise SettingsError(
            f"SECRET_KEY is not set; {HMAC_HOW_TO}, "
            "and put SECRET_KEY=<it> into .env or the environment"
        )
    signing = _strong("SECRET_KEY", settings.secret_key, algorithm)
    accepted = [signing]
    if settings.previous_secret_key is not None:
        accepted.append(_strong("PREVIOUS_SECRET_KEY", settings.previous_secret_key, algorithm))
    return Keys(algorithm, signing, tuple(accepted))


def _strong(name: str, secret: SecretStr, algorithm: str) -> bytes:
    key, least = secret.get_secret_value().encode(), MIN_KEY_BYTES[algorithm]
    if len(key) < least:
        raise SettingsError(
            f"{name} has {len(key)} bytes; {algorithm} needs {least}; {HMAC_HOW_TO}"
        )
    if len(set(key)) < MIN_DISTINCT_BYTES:
        raise SettingsError(f"{name} repeats itself and is weak; {HMAC_HOW_TO}")
    return key


def _key_files(settings: Settings) -> Keys:
    if settings.private_key_file is None:
        raise SettingsError(f"PRIVATE_KEY_FILE is not set; {EDDSA_HOW_TO}")
    signing = _private(settings.private_key_file)
    accepted = [signing.public_key()]
    if settings.previous_public_key_file is not None:
        accepted.append(_public(settings.previous_public_key_file))
    return Keys(settings.algorithm, signing, tuple(accepted))


def _private(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"PRIVATE_KEY_FILE: {path} is no readable key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"PRIVATE_KEY_FILE: expected an Ed25519 key; {EDDSA_HOW_TO}")
    return key


def _public(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"PREVIOUS_PUBLIC_KEY_FILE: {path} is no readable key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SettingsError("PREVIOUS_PUBLIC_KEY_FILE: expected an Ed25519 public key")
    return key
