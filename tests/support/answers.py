"""Forms of requests and answers that several tests share."""

from __future__ import annotations

import re
from typing import Any

from serving.http.problems import MEDIA_TYPE


def is_problem(response: Any, status: int) -> dict[str, Any]:
    """The problem details of an answer (RFC 9457)."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith(MEDIA_TYPE)
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    assert not re.search(r"Traceback|/site-packages/|\.py|0x[0-9a-f]{6}", response.text)
    return body


def multipart(*parts: tuple[str, bytes]) -> bytes:
    """A form with the boundary `b`."""
    head = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    return b"".join(head % (name.encode(), value) for name, value in parts) + b"--b--\r\n"
