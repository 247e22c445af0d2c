"""Which listings are one product: the key of their content."""

from __future__ import annotations

import hashlib

_KEY_DIGITS = 32


def content_key(designation: str, description: str, picture_hash: str) -> str:
    """32 hexadecimal digits, equal for equal texts and an equal picture, of which the SHA-256 is
    given in hexadecimal; "" for what is not there."""
    parts = (designation, description, picture_hash)
    # The lengths keep texts apart that would read the same in a row.
    content = "".join(f"{len(part)}:{part}" for part in parts)
    hashed = hashlib.sha256(content.encode("utf-8", "surrogatepass"))
    return hashed.hexdigest()[:_KEY_DIGITS]
