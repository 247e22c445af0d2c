"""Sessions of the page: a cookie that no script reads, and no other site can use."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie

from serving.access.limits import within
from serving.access.login import MAX_USERNAME
from serving.access.security import SESSION_COOKIE
from serving.access.tokens import Claims
from serving.access.users.store import User
from serving.errors import NotAuthenticated
from serving.http.bodies import JSON, media_type, read_body, unsupported
from serving.http.documentation import PUBLIC, problems
from serving.http.problems import Problem
from serving.http.schemas import Login, Session, Status
from serving.service import Parts, Service

AnyRequest = Request[Any, Any, Any]

_MAX_BYTES = 8192
_login_decoder = msgspec.json.Decoder(Login)


@post(
    "/login",
    status_code=200,
    tags=["authentication"],
    responses=problems(400, 401, 413, 415, 422, 429, 503),
    security=PUBLIC,
    exclude_from_auth=True,
)
async def log_in(request: AnyRequest, service: Parts) -> Response[Session]:
    """Begin a session: the answer sets a cookie, and has the CSRF token that goes with it."""
    address = request.scope["state"]["client"]
    await service.logins.count_address(address)
    given = await _login(request)
    user = await service.logins.log_in(given.username, given.password, address)
    if user is None:
        raise NotAuthenticated("The user name or the password is wrong.")
    request.scope["user"] = user  # for the log
    return _session(request, service, user, time.time())


@get("/session", tags=["authentication"], responses=problems(401))
async def session(request: Request[User, Claims, Any], service: Parts) -> Response[Session]:
    """Who is logged in; the session lasts as long as a token again, but no longer than it may."""
    if request.auth.kind != "session":
        raise NotAuthenticated("This is about the cookie of a session; POST /login gives one.")
    left = request.auth.login + service.settings.session_hours * 3600 - time.time()
    if left <= 0:
        raise NotAuthenticated("The session has ended; log in again.", "invalid_token")
    return _session(request, service, request.user, request.auth.login)


@post("/logout", status_code=200, tags=["authentication"], responses=problems(401, 403))
async def log_out(request: AnyRequest, service: Parts) -> Response[Status]:
    """Take the cookie away. Tokens that were copied before live on; a revoked user's do not."""
    return Response(Status("logged out"), cookies=[_cookie(request, service, "", 0)])


async def _login(request: AnyRequest) -> Login:
    """Name and password. Raises Problem."""
    # JSON, which no form of another site can send without asking first (CORS).
    if media_type(request)[0] != JSON:
        raise unsupported(JSON)
    try:
        given = _login_decoder.decode(await read_body(request, _MAX_BYTES))
    except msgspec.ValidationError as error:
        raise Problem(422, "Expected username and password, two texts.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, "The body is no valid JSON.") from error
    if not given.username or not given.password or len(given.username) > MAX_USERNAME:
        raise Problem(422, f"Expected a user name of up to {MAX_USERNAME} characters, a password.")
    return given


def _session(request: AnyRequest, service: Service, user: User, login: float) -> Response[Session]:
    tokens = service.tokens
    token = tokens.issue(user.username, user.scopes, user.version, "session", login)
    claims = tokens.check(token, "session")
    about = Session(user.username, user.full_name, sorted(user.scopes), claims.csrf, claims.expires)
    cookie = _cookie(request, service, token, tokens.seconds)
    return Response(about, cookies=[cookie], headers={"Cache-Control": "no-store"})


def _cookie(request: AnyRequest, service: Service, value: str, seconds: int) -> Cookie:
    """No script reads it, no other site's request has it, and behind https it goes by https."""
    peer = request.client.host if request.client else ""
    forwarded = request.headers.get("x-forwarded-proto", "")
    proxied = within(peer, service.settings.trusted_proxies) and forwarded == "https"
    return Cookie(
        SESSION_COOKIE,
        value=value,
        max_age=seconds,
        secure=proxied or request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
