"""Who asks, and whether they may: a bearer token (RFC 6750) or the cookie of a session on every
route that is not public.

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
from litestar.types import ASGIApp, Guard

from serving.access.tokens import Claims, Kind, Tokens
from serving.access.users.directory import Directory
from serving.access.users.store import User
from serving.errors import ForgedRequest, NotAuthenticated, ScopeMissing, TokenError
from serving.settings import Settings

SESSION_COOKIE, CSRF_HEADER = "session", "x-csrf-token"

_SCRAPER = AuthenticationResult(
    user=User("prometheus", "", ("metrics",), disabled=False, version=""),
    auth=Claims("prometheus", frozenset({"metrics"}), math.inf, ""),
)
"""Whom SERVING_METRICS_TOKEN speaks for."""


class Authentication(AbstractAuthenticationMiddleware):
    """Sets the request's user and token claims, or raises NotAuthenticated."""

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
        """The user and the claims of the Authorization field or, without one, of the session."""
        given = connection.headers.get("authorization")
        if given is None and SESSION_COOKIE in connection.cookies:
            return await self._session(connection)
        scheme, _, token = (given or "").partition(" ")
        if scheme.lower() != "bearer":
            raise NotAuthenticated("A bearer token is needed; POST /token gives one.")
        if self._scraper and compare_digest(token.strip().encode(), self._scraper):
            return _SCRAPER
        return await self._user(token.strip(), "access")

    async def _session(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        """Browsers send a cookie whoever made the request, so what changes something has to show
        that its maker could read an answer of ours."""
        result = await self._user(connection.cookies[SESSION_COOKIE], "session")
        shown = connection.headers.get(CSRF_HEADER, "").encode()
        reads = connection.scope.get("method") in ("GET", "HEAD")
        if not reads and not compare_digest(shown, result.auth.csrf.encode()):
            raise ForgedRequest
        return result

    async def _user(self, token: str, kind: Kind) -> AuthenticationResult:
        try:
            claims = self._tokens.check(token, kind)
        except TokenError as error:
            raise NotAuthenticated(f"Not accepted: {error}.", "invalid_token") from error
        user = await self._directory.active(claims.subject, claims.version)
        if user is None:
            raise NotAuthenticated("Not accepted: the user is not active.", "invalid_token")
        return AuthenticationResult(user=user, auth=claims)


def _needs(scope: str) -> Guard:
    """Raises ScopeMissing unless token and user both have `scope`.

    The user is asked as well, so that a scope taken away does not live on in old tokens.
    """

    # A coroutine because Litestar runs any other kind of guard in a thread of its own.
    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        if scope not in connection.auth.scopes or scope not in connection.user.scopes:
            raise ScopeMissing(scope)

    return guard


may_predict = _needs("predict")
may_review = _needs("review")
may_read_metrics = _needs("metrics")
may_reload = _needs("reload")
