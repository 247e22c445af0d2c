"""How long a test waits for what must come, on a machine however slow and busy."""

from __future__ import annotations

import ssl
import subprocess
import time
from collections.abc import Callable
from typing import Any

import httpx

PATIENCE = 120
"""Seconds after which what has not come counts as never coming."""

HELD_BACK = str(PATIENCE * 30)
"""Seconds, for a setting that must not end what a test holds back."""


WITHOUT_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For httpx's `verify`: its own, which knows every authority, takes 50 ms of a processor to make,
for each client and each httpx.get."""


def wait_until(
    condition: Callable[[], bool],
    what: str = "it never came to that",
    *,
    times: int = 1,
    pause: float = 0.02,
) -> None:
    """Until `condition` holds; `times` as long for what has as many parts. `pause` is in seconds,
    longer where asking costs whoever is asked much."""
    deadline = time.monotonic() + times * PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(pause)


def wait_answered(process: subprocess.Popen[Any], address: str) -> None:
    """Until `address` is answered 200 by what `process` starts; it must not end before."""

    def answered() -> bool:
        assert process.poll() is None, process.communicate()[0]
        try:
            return httpx.get(address, timeout=PATIENCE, verify=WITHOUT_TLS).status_code == 200
        except httpx.TransportError:
            return False

    wait_until(answered, f"{address} is not answered")
