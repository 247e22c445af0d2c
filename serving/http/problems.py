"""Errors as answers: RFC 9457 problem details for every route, RFC 6749 bodies for tokens.

HTTPException            (Litestar: 404, 405, 413, ...)
└── Problem              refused for a reason worth telling
RequestError             of the core, `serving/errors.py`: PROBLEMS says which answer it gets
OAuthError               POST /token only, RFC 6749 section 5.2
Exception                anything unforeseen: 500 without a word about the inside
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from serving.errors import (
    ClientDisconnected,
    ForgedRequest,
    LimitExceeded,
    NotAuthenticated,
    RequestError,
    ScopeMissing,
    Unavailable,
)

logger = logging.getLogger("serving")

MEDIA_TYPE = "application/problem+json"

CLIENT_CLOSED_REQUEST = 499
"""Status logged for a request whose client went away (nginx's); nobody receives it."""

_CHALLENGE = 'Bearer realm="product-codes"'

_DETAILS = {
    404: "No such route.",
    405: "The route does not answer this method; see the Allow field.",
    413: "The body is larger than this route accepts.",
    500: "The service failed to answer; the request id finds the reason in its log.",
}


class FieldError(msgspec.Struct):
    """What is wrong with one field of the request."""

    field: str
    reason: str


class ProblemDetails(msgspec.Struct, omit_defaults=True):
    """Problem details, RFC 9457 section 3.1, with the request id and the fields at fault."""

    title: str
    status: int
    detail: str
    request_id: str = ""
    errors: list[FieldError] = []
    type: str = "about:blank"


class OAuthErrorBody(msgspec.Struct):
    """Error answer of the token endpoint, RFC 6749 section 5.2."""

    error: str
    error_description: str


class Problem(HTTPException):
    """A refusal; `detail` and `errors` are shown to the client as they are."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: list[FieldError] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail=detail, status_code=status, headers=headers)
        self.errors = errors or []

    def details(self, request_id: str) -> ProblemDetails:
        """The body of the answer."""
        return ProblemDetails(
            title=title(self.status_code),
            status=self.status_code,
            detail=self.detail,
            request_id=request_id,
            errors=self.errors,
        )


class OAuthError(Exception):
    """A refused token request; `error` is one of the codes of RFC 6749 section 5.2."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.body = OAuthErrorBody(error, description)


def title(status: int) -> str:
    """The registered phrase of a status."""
    return "Client Closed Request" if status == CLIENT_CLOSED_REQUEST else HTTPStatus(status).phrase


def busy(detail: str, retry_after: int = 1) -> Problem:
    """503 that asks to come back in `retry_after` seconds."""
    return Problem(503, detail, headers={"Retry-After": str(retry_after)})


def _limit_exceeded(error: LimitExceeded) -> Problem:
    """429 (RFC 6585 section 4) with the fields of draft-ietf-httpapi-ratelimit-headers."""
    headers = {
        "Retry-After": str(error.retry_after),
        "RateLimit-Policy": f'"{error.name}";q={error.per_minute};w={error.window}',
        "RateLimit": f'"{error.name}";r={error.remaining};t={error.retry_after}',
    }
    return Problem(429, str(error), headers=headers)


def _challenge(status: int, detail: str, **parameters: str) -> Problem:
    """401 or 403 with the challenge of RFC 6750 section 3."""
    fields = [f'{name}="{value}"' for name, value in parameters.items() if value]
    challenge = ", ".join([_CHALLENGE, *fields])
    return Problem(status, detail, headers={"WWW-Authenticate": challenge})


PROBLEMS: dict[type[RequestError], Callable[[Any], Problem]] = {
    Unavailable: lambda error: busy(str(error), error.retry_after),
    ClientDisconnected: lambda error: Problem(CLIENT_CLOSED_REQUEST, str(error)),
    LimitExceeded: _limit_exceeded,
    NotAuthenticated: lambda error: _challenge(401, str(error), error=error.code),
    ScopeMissing: lambda error: _challenge(
        403, str(error), error="insufficient_scope", scope=error.scope
    ),
    ForgedRequest: lambda error: Problem(403, str(error)),
}
"""The answer to each refusal of the core."""


def request_id(request: Request[Any, Any, Any]) -> str:
    """The id under which this request is logged."""
    return str(request.scope["state"].get("request_id", ""))


def answer_problem(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Problem details; of errors that are not ours only the status is told."""
    if not isinstance(error, Problem):
        status = error.status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return answer_unforeseen(request, error)
        detail = _DETAILS.get(status, "The request could not be understood.")
        error = Problem(status, detail, headers=_headers(request, error, status))
    return Response(
        error.details(request_id(request)),
        status_code=error.status_code,
        headers=error.headers,
        media_type=MEDIA_TYPE,
    )


def answer_request_error(request: Request[Any, Any, Any], error: RequestError) -> Response[Any]:
    """The problem of PROBLEMS."""
    return answer_problem(request, PROBLEMS[type(error)](error))


def _headers(
    request: Request[Any, Any, Any], error: HTTPException, status: int
) -> dict[str, str] | None:
    """Headers of a foreign error; 405 names the allowed methods (RFC 9110 section 15.5.6)."""
    if status != HTTPStatus.METHOD_NOT_ALLOWED:
        return error.headers
    path = request.scope["path"].rstrip("/") or "/"
    allowed = {
        method for route in request.app.routes if route.path == path for method in route.methods
    }
    # HEAD is answered as GET is, before the routes are asked.
    return {"Allow": ", ".join(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed))}


def answer_oauth_error(request: Request[Any, Any, Any], error: OAuthError) -> Response[Any]:
    """400 with the body of RFC 6749 section 5.2, never cached."""
    return Response(error.body, status_code=400, headers={"Cache-Control": "no-store"})


def answer_unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """500; the reason goes to the log alone."""
    logger.error("unhandled error", exc_info=error, extra={"request_id": request_id(request)})
    return answer_problem(request, Problem(500, _DETAILS[500]))


HANDLERS: ExceptionHandlersMap = {
    HTTPException: answer_problem,
    RequestError: answer_request_error,
    OAuthError: answer_oauth_error,
    Exception: answer_unforeseen,
}
