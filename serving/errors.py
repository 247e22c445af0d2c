"""Errors of the service's own, whatever protocol it is asked by.

ServiceError
├── RequestError             a request is refused; `http/problems.py` has the answer to each
│   ├── Unavailable          starting, stopping or full: the client may come again
│   ├── ClientDisconnected   nobody waits for the answer
│   ├── LimitExceeded        too many in a minute
│   ├── NotAuthenticated     no bearer token, or none that is accepted
│   ├── ScopeMissing         an accepted token, but not for this
│   └── ForgedRequest        a session's cookie, without what only the page knows
├── SettingsError            a setting is missing or wrong
├── ListenError              the address cannot be listened on
├── LockError                the classifier's folder is not the locked one
├── SignatureError           the classifier's folder is not the signed one
├── TokenError               a token is forged, stale or not for this service
├── UserError                a user cannot be added or changed
└── PasswordError            a password is too short or too long to be set
"""

from __future__ import annotations

from dataclasses import dataclass


class ServiceError(Exception):
    """The message says what is wrong, for people."""


class RequestError(ServiceError):
    """A request is refused; the message is shown to the client as it is."""


class Unavailable(RequestError):
    """The service cannot answer now; `retry_after` is in seconds."""

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class ClientDisconnected(RequestError):
    """The client went away before its answer."""

    def __init__(self) -> None:
        super().__init__("The client went away before its answer.")


@dataclass(eq=False)
class LimitExceeded(RequestError):
    """More than the limit `name` allows in its `window`, in seconds: `remaining` are left now, and
    there is room for what was asked in `retry_after` seconds."""

    detail: str
    name: str
    window: int
    per_minute: int
    remaining: int
    retry_after: int

    def __str__(self) -> str:
        return self.detail


class NotAuthenticated(RequestError):
    """`code` is that of RFC 6750 section 3.1, "" where no token was given."""

    def __init__(self, detail: str, code: str = "") -> None:
        super().__init__(detail)
        self.code = code


class ScopeMissing(RequestError):
    """Token and user do not both have `scope`."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"The scope {scope} is needed.")
        self.scope = scope


class ForgedRequest(RequestError):
    """The cookie of a session came without its CSRF token: another site may have sent it."""

    def __init__(self) -> None:
        super().__init__("X-CSRF-Token is missing or not that of the session (GET /session).")


class SettingsError(ServiceError):
    """A setting is missing or wrong; the message names the variable and what it takes."""


class ListenError(ServiceError):
    """The address cannot be listened on."""


class LockError(ServiceError):
    """The folder is not the locked one; the message names the file and both hashes."""


class SignatureError(ServiceError):
    """The folder is not what the owner of the key signed; the message says in what it differs."""


class TokenError(ServiceError):
    """The token is not to be believed."""


class UserError(ServiceError):
    """The user cannot be added or changed; the message says why."""


class PasswordError(ServiceError):
    """The password is too short or too long to be set."""
