"""Tokens: the OAuth2 password grant, and whose a token is."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from serving.access.login import MAX_USERNAME
from serving.access.tokens import Claims
from serving.access.users.store import User
from serving.http.bodies import URL_ENCODED, media_type, read_body, url_encoded
from serving.http.documentation import PUBLIC, oauth_problems, problems
from serving.http.problems import OAuthError
from serving.http.schemas import Identity, Token
from serving.service import Parts

MAX_FORM_BYTES = 8192


@post(
    "/token",
    status_code=200,
    tags=["authentication"],
    responses=oauth_problems() | problems(413, 415, 429, 503),
    security=PUBLIC,
    exclude_from_auth=True,
)
async def token(request: Request[Any, Any, Any], service: Parts) -> Response[Token]:
    """A bearer token for a user's name and password (RFC 6749 section 4.3)."""
    address = request.scope["state"]["client"]
    await service.logins.count_address(address)
    form = await _form(request)
    user = await service.logins.log_in(form["username"], form["password"], address)
    if user is None:
        raise OAuthError("invalid_grant", "the user name or the password is wrong")
    request.scope["user"] = user  # for the log
    scopes = _granted(user, form.get("scope"))
    answer = Token(
        access_token=service.tokens.issue(user.username, scopes, user.version),
        token_type="bearer",  # noqa: S106 - the name of the type, RFC 6750 section 4
        expires_in=service.tokens.seconds,
        scope=" ".join(scopes),
    )
    return Response(answer, headers={"Cache-Control": "no-store"})


@get("/verify-token", tags=["authentication"], responses=problems(401))
async def verify_token(request: Request[User, Claims, Any]) -> Identity:
    """Whose token this is, and what it allows."""
    scopes = request.auth.scopes & set(request.user.scopes)
    return Identity(request.user.username, request.user.full_name, sorted(scopes))


async def _form(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The fields of the request. Raises OAuthError, also for a field given twice (section 3.2)."""
    if media_type(request)[0] != URL_ENCODED:
        raise OAuthError("invalid_request", f"the body must be {URL_ENCODED}")
    try:
        form = url_encoded(await read_body(request, MAX_FORM_BYTES))
    except ValueError as error:
        raise OAuthError("invalid_request", f"the body is no valid form: {error}") from error
    if form.get("grant_type", "password") != "password":
        raise OAuthError("unsupported_grant_type", "the grant type is password")
    for field in ("username", "password"):
        if not form.get(field):
            raise OAuthError("invalid_request", f"{field} is missing")
    if len(form["username"]) > MAX_USERNAME:
        raise OAuthError("invalid_request", "username is too long")
    return form


def _granted(user: User, asked: str | None) -> list[str]:
    """The scopes asked for, or all the user has. Raises OAuthError for one it has not."""
    if not asked:
        return list(user.scopes)
    scopes = sorted(set(asked.split()))
    if not set(scopes) <= set(user.scopes):
        raise OAuthError("invalid_scope", "the user does not have a scope that was asked for")
    return scopes
