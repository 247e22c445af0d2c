"""Who made a classifier, where the lock says what it is: OpenSSF's signatures with one's own keys.

`make sign KEY=model-key.pem` signs the locked classifier. A service with SERVING_PUBLIC_KEY loads
what the private half of that key signed, and nothing else.
"""

from __future__ import annotations

import argparse
import getpass
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from serving.errors import LockError, SettingsError, SignatureError
from serving.inference import lock
from serving.settings import Settings

CURVES = ("secp256r1", "secp384r1", "secp521r1")
"""Curves that OpenSSF's model-signing takes."""

HOW_TO_MAKE = "make one: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out KEY"
HOW_TO_SIGN = "make sign KEY=…"
HOW_TO_INSTALL = "pip install --require-hashes -r requirements/signing.txt"


def path_for(settings: Settings) -> Path:
    """Where the signature lies: beside the folder, unless a setting says otherwise."""
    return settings.signature or settings.model.with_name(f"{settings.model.name}.sig")


def check(settings: Settings) -> None:
    """Raises SettingsError: the public key is none, or there is nothing to verify with."""
    path = settings.public_key
    if path is None:
        return
    name = "SERVING_PUBLIC_KEY"
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"{name}: {path} is no readable public key") from error
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name not in CURVES:
        raise SettingsError(f"{name}: expected the public half of a P-256, P-384 or P-521 key")
    if not _installed():
        raise SettingsError(f"{name}: model-signing is not installed; {HOW_TO_INSTALL}")


def _installed() -> bool:
    return find_spec("model_signing") is not None


def verify(copy: Path, settings: Settings) -> None:
    """Nothing, once `copy`, a private copy of the classifier, is what the public key's owner
    signed: these files with this content, and no others.

    Raises SignatureError naming the file, and LockError for a signature that is no file.
    """
    # Here, because it takes half a second and is needed by few.
    from model_signing import hashing, verifying

    signature = path_for(settings)
    if not signature.exists():
        raise SignatureError(
            f"{signature} is missing, and SERVING_PUBLIC_KEY demands it; {HOW_TO_SIGN}"
        )
    # No file is passed over: by itself it would pass over .gitignore and its like.
    hashed = hashing.Config().set_ignored_paths(paths=(), ignore_git_paths=False)
    with tempfile.TemporaryDirectory(prefix="signature-") as private:
        taken = Path(private) / signature.name
        with lock.opened(signature) as file:
            taken.write_bytes(file.read())
        try:
            verifier = verifying.Config().set_hashing_config(hashed)
            verifier.use_elliptic_key_verifier(public_key=settings.public_key)
            verifier.verify(copy, taken)
        except Exception as error:  # whatever a forged file makes its readers raise
            said = str(error) or type(error).__name__
            raise SignatureError(
                f"{settings.model} is not as {signature} and {settings.public_key} have it: {said}"
            ) from error


def sign(settings: Settings, key: Path, password: bytes | None) -> Path:
    """Sign the folder once it is as locked; the signature's path.

    Raises LockError when it is not, and ValueError or TypeError for a key that is none.
    """
    from model_signing import hashing, signing

    signature = path_for(settings)
    hashed = hashing.Config().set_ignored_paths(paths=(), ignore_git_paths=False)
    with (
        lock.private_folder() as private,
        tempfile.TemporaryDirectory(prefix=".", dir=signature.parent) as draft,
    ):
        copy = lock.copied(settings.model, private)
        lock.verify(settings.model, settings.lock, copy=copy)
        signer = signing.Config().set_hashing_config(hashed)
        signer.use_elliptic_key_signer(private_key=key, password=password)
        made = Path(draft) / signature.name
        signer.sign(copy, made)
        made.replace(signature)
    return signature


def main(arguments: Sequence[str] | None = None) -> int:
    """Sign the configured folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m serving.inference.signature")
    parser.add_argument("key", help=f"PEM file of the private key; {HOW_TO_MAKE}")
    given = parser.parse_args(arguments).key
    if not given:
        print(f"error: no private key is named: {HOW_TO_SIGN}; {HOW_TO_MAKE}", file=sys.stderr)
        return 1
    key = Path(given)
    try:
        settings = Settings.load()
        if not _installed():
            raise SettingsError(f"model-signing is not installed; {HOW_TO_INSTALL}")
        print(f"signed: {sign(settings, key, _password(key))}")
    except (LockError, SettingsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm) as error:
        print(
            f"error: {key} is no private key that signs, or the password is another "
            f"({error}); expected P-256, P-384 or P-521; {HOW_TO_MAKE}",
            file=sys.stderr,
        )
        return 1
    return 0


def _password(key: Path) -> bytes | None:
    """From a prompt, or from standard input, where the key needs one."""
    if b"ENCRYPTED" not in key.read_bytes():
        return None
    if sys.stdin.isatty():
        return getpass.getpass(f"Password of {key}: ").encode()
    return sys.stdin.readline().rstrip("\n").encode()


if __name__ == "__main__":
    sys.exit(main())
