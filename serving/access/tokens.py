"""Access tokens and sessions: JSON Web Tokens (RFC 7519), every claim required and checked."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

import jwt

from serving.access.keys import Keys
from serving.errors import TokenError
from serving.settings import Settings

CLAIMS = ("iss", "aud", "sub", "exp", "iat", "jti", "scope", "typ", "ver")
"""Registered claims of RFC 7519 section 4.1, `scope` of RFC 8693 section 4.2, `typ` and `ver` of
our own."""

Kind = Literal["access", "session"]
"""`typ` of a token: what was made for the one is refused for the other (RFC 8725, 3.11)."""

LEEWAY_SECONDS = 5
"""How far apart the clocks of two processes may be."""

MAX_CHARACTERS = 4096
BELIEVED = 1024
"""Tokens whose signature and claims are remembered; only their age is checked again."""
_ID_BYTES = 16
_CSRF_DIGITS = 32
_EXPIRED = "the token has expired"


@dataclass(frozen=True)
class Claims:
    """What a believed token says."""

    subject: str
    scopes: frozenset[str]
    expires: float
    version: str
    """Of the user's tokens: another one than the user has now is of the past."""
    kind: Kind = "access"
    id: str = ""
    login: float = 0.0
    """When the user gave the password, in seconds since 1970; of sessions."""

    @property
    def csrf(self) -> str:
        """What a request that changes something has to repeat beside a session's cookie: only who
        may read the answers of the service knows it."""
        return hashlib.sha256(f"csrf {self.id}".encode()).hexdigest()[:_CSRF_DIGITS]


class Tokens:
    """Issues tokens with the signing key and believes those of the accepted keys."""

    def __init__(self, keys: Keys, settings: Settings) -> None:
        self._keys = keys
        self._issuer = settings.token_issuer
        self._audience = settings.token_audience
        self.seconds = settings.token_minutes * 60
        self._believed = lru_cache(BELIEVED)(self._read)

    def issue(
        self,
        subject: str,
        scopes: Iterable[str],
        version: str,
        kind: Kind = "access",
        login: float | None = None,
    ) -> str:
        """A token for `subject`, valid for `seconds` from now and for the user's `version`; of a
        session, with the time of its `login` (default: now)."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "iat": now,
            "exp": now + self.seconds,
            "jti": secrets.token_urlsafe(_ID_BYTES),
            "scope": " ".join(scopes),
            "typ": kind,
            "ver": version,
        }
        if kind == "session":
            claims["auth_time"] = now if login is None else int(login)
        return jwt.encode(claims, self._keys.signing, algorithm=self._keys.algorithm)

    def check(self, token: str, kind: Kind = "access") -> Claims:
        """What the token says. Raises TokenError if it is forged, stale, of another kind, or not
        for this service.

        The key is never chosen by the token: `kid`, `jku`, `jwk` and their like are ignored.
        """
        if len(token) > MAX_CHARACTERS:
            raise TokenError("the token is too long")
        claims = self._believed(token)
        if claims.kind != kind:
            raise TokenError(f"the token is no {kind} token")
        if claims.expires <= time.time() - LEEWAY_SECONDS:
            raise TokenError(_EXPIRED)
        return claims

    def _read(self, token: str) -> Claims:
        claims = self._decode(token)
        if claims["typ"] not in get_args(Kind):
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
            claims["typ"],
            claims["jti"],
            float(claims.get("auth_time", 0)),
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
