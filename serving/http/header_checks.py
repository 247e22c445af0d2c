"""Checks of request headers against request smuggling.

A proxy and this service must find the same requests in the same bytes (RFC 9112 section 11.2).
"""

from __future__ import annotations

import re

from serving.http.problems import Problem

_VERSIONS = ("1.1", "1.0")

# RFC 3986 section 3.2.2: an address in brackets or a name, and a port.
_HOST = re.compile(rb"(\[[0-9A-Fa-fv:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(:[0-9]*)?")

# Fields with one value (RFC 9110 section 5.3), of which this service reads the first and another
# server may read the last, or both as one.
_SINGLE = {b"authorization": "Authorization", b"content-type": "Content-Type"}

Fields = list[tuple[bytes, bytes]]


def check(version: str, fields: Fields, *, upgrades: bool) -> None:
    """Nothing, for a head that may pass; names in lower case. `upgrades` is whether the client asks
    for another protocol.

    Raises Problem 400.
    """
    if version not in _VERSIONS:
        raise Problem(400, "The service speaks HTTP/1.1 and HTTP/1.0 alone.")
    hosts, has_body, seen = [], False, set()
    for name, value in fields:
        if name in seen:
            raise Problem(400, f"The request has more than one {_SINGLE[name]}.")
        if name in _SINGLE:
            seen.add(name)
        if name == b"host":
            hosts.append(value)
        elif name == b"transfer-encoding":
            has_body = True
            if value.lower() != b"chunked":
                raise Problem(400, "The only transfer coding that is understood is chunked.")
        elif name == b"content-length":
            has_body = has_body or value != b"0"
    # RFC 9112 section 3.2.
    if len(hosts) > 1 or not all(map(_HOST.fullmatch, hosts)):
        raise Problem(400, "The request has more than one Host, or one that is none.")
    if not hosts and version == "1.1":
        raise Problem(400, "The request has no Host.")
    if upgrades and has_body:  # the parser would take it for the other protocol
        raise Problem(400, "A request with a body cannot ask for another protocol.")
