"""Requests as they go over the wire, mutated: heads, targets, tokens, bodies, pictures, framing."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

from serving.listing.heads import FORMATS
from tests.support import tiny
from tests.support.answers import multipart

AT_ONCE = 32
"""Connections at once; an address may have twice as many."""

PATIENCE_SECONDS = 60.0
"""After which a request counts as unanswered."""

UNANSWERED = "none"

_FINAL = re.compile(rb"HTTP/1\.[01] ([2-9]\d\d) [^\r\n]*\r\n")
_FORM = "multipart/form-data; boundary=b"
_ODD = (
    *(b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b":", b";", b",", b"=", b"&", b"%"),
    *(b'"', b"\\", b"\\ud800", b"{", b"}", b"[", b"]", b"-", b"--b", b"/", b"..", b"?", b"#"),
    *(b"null", b"true", b"1e999", b"-1", b"0", b"99999999999999999999", b"\xff", b"\xed\xa0\x80"),
    *(b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n", b"Expect: 100-continue\r\n"),
    *(b"Upgrade: h2c\r\n", b"Connection: close\r\n", b"X: " + b"x" * 2000 + b"\r\n"),
)
_PRODUCT = {"designation": "Livre", "description": "<b>jeu</b> &amp; piscine", "imageid": 7}


def mutated(random: Random, data: bytes) -> bytes:
    """`data` with one to four pieces changed, removed, doubled, moved or put in."""
    for _ in range(random.randint(1, 4)):
        start = random.randint(0, len(data))
        end = min(len(data), start + random.choice((1, 1, 2, 8, 64)))
        piece = data[start:end]
        change = random.choice(
            (
                random.randbytes(len(piece)),
                b"",
                piece * random.choice((2, 50)),
                piece[::-1],
                random.choice(_ODD) + piece,
                random.choice(_ODD),
            )
        )
        data = data[:start] + change + data[end:]
    return data


def _request(
    path: str, kind: str, body: bytes, token: str, *, method: str = "POST", framing: bytes = b""
) -> bytes:
    framing = framing or b"Content-Length: %d\r\n" % len(body)
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {kind}\r\n"
    )
    return head.encode() + framing + b"\r\n" + body


def _json() -> bytes:
    image = base64.b64encode(tiny.picture()).decode()
    return json.dumps({**_PRODUCT, "image": image}).encode()


def _form(picture: bytes) -> bytes:
    return multipart(("designation", b"Livre"), ("image", picture), ("imageid", b"7"))


def heads(random: Random, token: str) -> bytes:
    """Head and line of a good product."""
    head, end, body = _request("/predict", "application/json", _json(), token).partition(
        b"\r\n\r\n"
    )
    return mutated(random, head) + end + body


def targets(random: Random, token: str) -> bytes:
    """Paths and methods."""
    paths = ("/", "/schema/style.css", "/model", "/verify-token", "/predict", "/health/live")
    path = mutated(random, random.choice(paths).encode())
    method = random.choice((b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"BREW"))
    fields = f" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    return method + b" " + path.translate(None, b"\r\n") + fields


def tokens(random: Random, token: str) -> bytes:
    """Tokens: their bytes, or what is encoded in them."""
    parts = token.split(".")
    if random.random() < 0.5:
        at = random.randrange(3)
        padded = parts[at] + "=" * (-len(parts[at]) % 4)
        content = mutated(random, base64.urlsafe_b64decode(padded))
        parts[at] = base64.urlsafe_b64encode(content).rstrip(b"=").decode()
        given = ".".join(parts)
    else:
        given = mutated(random, token.encode()).translate(None, b"\r\n").decode("latin-1")
    head = f"GET /verify-token HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {given}\r\n\r\n"
    return head.encode("latin-1")


def products(random: Random, token: str) -> bytes:
    """Products in JSON."""
    return _request("/predict", "application/json", mutated(random, _json()), token)


def batches(random: Random, token: str) -> bytes:
    """Batches, as an array and as lines."""
    product = _json()
    lines = random.random() < 0.5
    body = b"\n".join([product] * 3) if lines else b"[" + b",".join([product] * 3) + b"]"
    kind = "application/x-ndjson" if lines else "application/json"
    return _request("/predict/batch", kind, mutated(random, body), token)


def forms(random: Random, token: str) -> bytes:
    """Multipart forms."""
    return _request("/predict", _FORM, mutated(random, _form(tiny.picture())), token)


def logins(random: Random, token: str) -> bytes:
    """Forms of logins, with a name that is too long to be looked up in vain."""
    body = b"grant_type=password&username=" + b"a" * 300 + b"&password=wrong&scope=predict"
    return _request("/token", "application/x-www-form-urlencoded", mutated(random, body), "")


def pictures(random: Random, token: str) -> bytes:
    """Pictures."""
    picture = tiny.picture(
        random.choice(("red", "white")),
        random.choice(FORMATS),
        size=random.choice((8, 64, 300)),
        exif=tiny.ROTATED,
    )
    path, picture = random.choice(("/predict", "/explain")), mutated(random, picture)
    body = random.choice((_form(picture), multipart(("image", picture))))
    return _request(path, _FORM, body, token)


def framings(random: Random, token: str) -> bytes:
    """Bodies in chunks."""
    body, chunks = _json(), b""
    while body:
        size = random.choice((1, 7, 300))
        piece, body = body[:size], body[size:]
        chunks += b"%x\r\n%s\r\n" % (len(piece), piece)
    framing = b"Transfer-Encoding: chunked\r\n"
    chunks = mutated(random, chunks + b"0\r\n\r\n")
    return _request("/predict", "application/json", chunks, token, framing=framing)


def inferences(random: Random, token: str) -> bytes:
    """Inference requests with binary data, and the length of their JSON object."""
    tensor = {"name": "designation", "shape": [2], "datatype": "BYTES"}
    data = b"\5\0\0\0Livre\3\0\0\0jeu"
    tensors = [
        {**tensor, "parameters": {"binary_data_size": len(data)}},
        {**tensor, "name": "image", "data": ["", base64.b64encode(tiny.picture()).decode()]},
    ]
    head = json.dumps({"id": "7", "inputs": tensors, "outputs": [{"name": "code"}]}).encode()
    length, body = str(len(head)).encode(), head + data
    if random.random() < 0.3:
        length = mutated(random, length).translate(None, b"\r\n")
    else:
        body = mutated(random, body)
    framing = b"Inference-Header-Content-Length: %s\r\nContent-Length: %d\r\n" % (length, len(body))
    path = "/v2/models/product-classifier/infer"
    return _request(path, "application/octet-stream", body, token, framing=framing)


KINDS: tuple[Callable[[Random, str], bytes], ...] = (
    *(heads, targets, tokens, products, batches, forms, logins, pictures, framings, inferences),
)


def requests(number: int, seed: int, token: str) -> Iterator[tuple[str, bytes]]:
    """`number` requests, each with the name of its kind."""
    random = Random(seed)
    for index in range(number):
        kind = KINDS[index % len(KINDS)]
        yield kind.__name__, kind(random, token)


async def _status(port: int, data: bytes) -> str:
    """Status of the answer to `data`, or UNANSWERED."""
    received = b""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                with contextlib.suppress(OSError):  # refused before all of it was sent
                    writer.write(data)
                    await writer.drain()
                while not (found := _FINAL.search(received)):
                    piece = await reader.read(65536)
                    if not piece:
                        return UNANSWERED
                    received += piece
                return found[1].decode()
            finally:
                writer.close()
    return UNANSWERED


async def answers(
    port: int, token: str, number: int, seed: int
) -> tuple[dict[str, Counter[str]], list[bytes]]:
    """Send them: how often each kind was answered with which status, and the requests that got
    none or a 5xx."""
    counts: dict[str, Counter[str]] = {kind.__name__: Counter() for kind in KINDS}
    failed: list[bytes] = []
    waiting = requests(number, seed, token)

    async def send() -> None:
        for kind, data in waiting:
            status = await _status(port, data)
            counts[kind][status] += 1
            if status == UNANSWERED or status.startswith("5"):
                failed.append(data)

    await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    return counts, failed
