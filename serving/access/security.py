"""Who asks, and whether they may: bearer tokens (RFC 6750) on every route that is not public.

A route is public when it says so itself (`exclude_from_auth=True`); everything else is refused
without a token, so a route that says nothing is closed.
"""

from __future__ import annotations

import math
from secrets import compare_digest
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.middleware.authentication import (
    AbstractAuthenticationMiddleware,
    AuthenticationResult,
)
from litestar.types import ASGIApp

from serving.access.tokens import Claims, TokenError, Tokens
from serving.access.users import Directory, User
from serving.http.problems import Problem
from serving.settings import Settings

_CHALLENGE = 'Bearer realm="product-codes"'

_SCRAPER = AuthenticationResult(
    user=User("prometheus", "", ("metrics",), disabled=False, version=""),
    auth=Claims("prometheus", frozenset({"metrics"}), math.inf, ""),
)
"""Whom SERVING_METRICS_TOKEN speaks for."""


def _refused(detail: str, error: str = "") -> Problem:
    """401 with the challenge of RFC 6750 section 3."""
    challenge = f'{_CHALLENGE}, error="{error}"' if error else _CHALLENGE
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})


class Authentication(AbstractAuthenticationMiddleware):
    """Sets the request's user and token claims, or answers 401."""

    def __init__(
        self, app: ASGIApp, tokens: Tokens, directory: Directory, settings: Settings
    ) -> None:
        super().__init__(app)
        given = settings.metrics_token
        self._scraper = given.get_secret_value().encode() if given else None
        self._tokens = tokens
        self._directory = directory

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        """The user and the claims of the Authorization field; nothing else is looked at."""
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise _refused("A bearer token is needed; POST /token gives one.")
        if self._scraper and compare_digest(token.strip().encode(), self._scraper):
            return _SCRAPER
        try:
            claims = self._tokens.check(token.strip())
        except TokenError as error:
            raise _refused(f"Not accepted: {error}.", "invalid_token") from error
        user = await self._directory.active(claims.subject, claims.version)
        if user is None:
            raise _refused("Not accepted: the user is not active.", "invalid_token")
        return AuthenticationResult(user=user, auth=claims)


def _needs(connection: ASGIConnection[Any, Any, Any, Any], scope: str) -> None:
    """403 (RFC 6750 section 3.1) unless token and user both have `scope`.

    The user is asked as well, so that a scope taken away does not live on in old tokens.
    """
    claims: Claims = connection.auth
    if scope not in claims.scopes or scope not in connection.user.scopes:
        challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{scope}"'
        raise Problem(403, f"The scope {scope} is needed.", headers={"WWW-Authenticate": challenge})


# Guards are coroutines because Litestar runs any other kind in a thread of its own.
async def may_predict(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: the scope `predict`."""
    _needs(connection, "predict")


async def may_read_metrics(
    connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler
) -> None:
    """Guard: the scope `metrics`."""
    _needs(connection, "metrics")


async def may_reload(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: the scope `reload`."""
    _needs(connection, "reload")
