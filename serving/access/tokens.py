"""Access tokens: JSON Web Tokens (RFC 7519) with every claim required and checked."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt

from serving.access.keys import Keys
from serving.errors import TokenError
from serving.settings import Settings

CLAIMS = ("iss", "aud", "sub", "exp", "iat", "jti", "scope", "typ", "ver")
"""Registered claims of RFC 7519 section 4.1, `scope` of RFC 8693 section 4.2, `typ` and `ver` of
our own."""

ACCESS = "access"
"""The only `typ` there is: a token made for anything else is no access token (RFC 8725, 3.11)."""

LEEWAY_SECONDS = 5
"""How far apart the clocks of two processes may be."""

MAX_CHARACTERS = 4096
BELIEVED = 1024
"""Tokens whose signature and claims are remembered; only their age is checked again."""
_ID_BYTES = 16
_EXPIRED = "the token has expired"


@dataclass(frozen=True)
class Claims:
    """What a believed token says."""

    subject: str
    scopes: frozenset[str]
    expires: float
    version: str
    """Of the user's tokens: another one than the user has now is of the past."""


class Tokens:
    """Issues tokens with the signing key and believes those of the accepted keys."""

    def __init__(self, keys: Keys, settings: Settings) -> None:
        self._keys = keys
        self._issuer = settings.token_issuer
        self._audience = settings.token_audience
        self.seconds = settings.token_minutes * 60
        self._believed = lru_cache(BELIEVED)(self._read)

    def issue(self, subject: str, scopes: Iterable[str], version: str) -> str:
        """A token for `subject`, valid for `seconds` from now and for the user's `version`."""
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "iat": now,
            "exp": now + self.seconds,
            "jti": secrets.token_urlsafe(_ID_BYTES),
            "scope": " ".join(scopes),
            "typ": ACCESS,
            "ver": version,
        }
        return jwt.encode(claims, self._keys.signing, algorithm=self._keys.algorithm)

    def check(self, token: str) -> Claims:
        """What the token says. Raises TokenError if it is forged, stale, or not for this service.

        The key is never chosen by the token: `kid`, `jku`, `jwk` and their like are ignored.
        """
        if len(token) > MAX_CHARACTERS:
            raise TokenError("the token is too long")
        claims = self._believed(token)
        if claims.expires <= time.time() - LEEWAY_SECONDS:
            raise TokenError(_EXPIRED)
        return claims

    def _read(self, token: str) -> Claims:
        claims = self._decode(token)
        if claims["typ"] != ACCESS:
            raise TokenError("the token is no access token")
        if not isinstance(claims["scope"], str):
            raise TokenError("the token's scope is no text")
        if not isinstance(claims["ver"], str) or not claims["sub"].isascii():
            raise TokenError("the token is not valid")
        return Claims(
            claims["sub"],
            frozenset(claims["scope"].split()),
            float(claims["exp"]),
            claims["ver"],
        )

    def _decode(self, token: str) -> dict[str, Any]:
        for key in self._keys.accepted:
            try:
                return jwt.decode(
                    token,
                    key,
                    algorithms=[self._keys.algorithm],
                    audience=self._audience,
                    issuer=self._issuer,
                    leeway=LEEWAY_SECONDS,
                    options={"require": list(CLAIMS), "strict_aud": True},
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.ExpiredSignatureError as error:
                raise TokenError(_EXPIRED) from error
            except jwt.InvalidTokenError as error:
                raise TokenError("the token is not valid") from error
        raise TokenError("the token is not valid")
