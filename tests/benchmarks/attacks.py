"""What another user sees while one address attacks the service.

    python -m tests.benchmarks.attacks                # or: --seconds 10 --model models/classifier

Every attack runs against a fresh process over loopback, from 127.0.0.1 and with a token of its own,
limits of products and logins switched off. Meanwhile a user at 127.0.0.2 asks /predict with a
500x500 JPEG and /health/live, each time on a new connection. The attacker's client processes share
the cores with the service.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import io
import json
import secrets
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
from PIL import Image

from serving.access.users.store import Users
from serving.review.database import create_tables, open_database
from serving.review.queue import ReviewQueue
from tests.benchmarks.service import jpeg, request
from tests.support import attacks, tiny
from tests.support.process import Process, running
from tests.support.review import waiting

PASSWORD = "correct horse battery"
ATTACKER, HONEST = "attacker", "honest"
HERE, THERE = "127.0.0.1", "127.0.0.2"
PAUSE_SECONDS = 0.05
BUILT_UP_SECONDS = 1.5
"""How long an attack goes on before anybody looks."""
BATCH_BYTES = 32 * 2**20

Attack = Callable[[int, str], Awaitable[None]]


def _head(token: str, path: str, kind: str, length: int | None) -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {kind}\r\n{size}\r\n\r\n"
    ).encode()


async def _again(port: int, data: bytes, *, read: bool = True) -> None:
    """Send `data` on new connections for ever; wait for the answer, or for the end."""
    while True:
        with contextlib.suppress(OSError, EOFError):
            reader, writer = await asyncio.open_connection(HERE, port)
            try:
                writer.write(data)
                if read:
                    await reader.readuntil(b"\r\n\r\n")
                else:
                    await reader.read()
            finally:
                writer.close()
        await asyncio.sleep(0.001)


async def _many(times: int, port: int, data: bytes, *, read: bool = True) -> None:
    await asyncio.gather(*(_again(port, data, read=read) for _ in range(times)))


async def scans(port: int, token: str) -> None:
    """1: JPEGs of 12,000 scans."""
    await _many(4, port, request(token, attacks.scans(3000, 12_000)))


async def scans_allowed(port: int, token: str) -> None:
    """1: JPEGs of as many pixels and scans as are accepted."""
    await _many(8, port, request(token, attacks.scans(3547, 17)))


async def pixels(port: int, token: str) -> None:
    """2: batches of eight PNGs of 1 x 50,000,000 pixels."""
    picture = base64.b64encode(attacks.png(1, 50_000_000)).decode()
    body = json.dumps([{"image": picture}] * 8).encode()
    await _many(8, port, _head(token, "/predict/batch", "application/json", len(body)) + body)


async def canvases(port: int, token: str) -> None:
    """2: WebPs of 34 bytes and 268 million pixels."""
    await _many(8, port, request(token, attacks.webp(16383, 16383)))


async def largest(port: int, token: str) -> None:
    """2: batches of eight WebPs of as many pixels as are accepted."""
    encoded = io.BytesIO()
    Image.new("RGBA", (2508, 2508), (1, 2, 3, 4)).save(encoded, "WEBP", lossless=True)
    picture = base64.b64encode(encoded.getvalue()).decode()
    body = json.dumps([{"image": picture}] * 8).encode()
    await _many(8, port, _head(token, "/predict/batch", "application/json", len(body)) + body)


async def idle(port: int, token: str) -> None:
    """3: 300 connections that send nothing."""
    await _many(300, port, b"", read=False)


async def slow(port: int, token: str) -> None:
    """3: 300 logins whose form never ends."""
    head = _head(token, "/token", "application/x-www-form-urlencoded", 1000)
    await _many(300, port, head + b"username=", read=False)


async def deaf(port: int, token: str) -> None:
    """3: 300 clients that read no answer."""
    ask = b"GET /schema/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"

    async def one() -> None:
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(HERE, port, limit=1)
                for _ in range(200):
                    writer.write(ask)
                    await writer.drain()
                    await asyncio.sleep(0.05)
                writer.close()
            await asyncio.sleep(0.001)

    await asyncio.gather(*(one() for _ in range(300)))


async def held(port: int, token: str) -> None:
    """4: 100 batches of 32 MiB whose last byte is missing."""
    head = _head(token, "/predict/batch", "application/json", BATCH_BYTES)
    await _many(100, port, head + b"[" + b" " * (BATCH_BYTES - 2), read=False)


async def lines(port: int, token: str) -> None:
    """4: batches of 16 million lines."""
    body = b"1\n" * (BATCH_BYTES // 2)
    await _many(2, port, _head(token, "/predict/batch", "application/x-ndjson", len(body)) + body)


async def products(port: int, token: str) -> None:
    """5: 300 products at once."""
    await _many(300, port, request(token, jpeg(1)))


async def chunks(port: int, token: str) -> None:
    """6: bodies in 300,000 chunks of one byte."""
    body = b"1\r\na\r\n" * 300_000
    await _many(4, port, _head(token, "/predict", "application/json", None) + body)


async def behind(port: int, token: str) -> None:
    """6: fields behind a body that do not end."""
    head = _head("", "/token", "application/x-www-form-urlencoded", None)
    await _many(4, port, head + b"1\r\na\r\n0\r\n" + b"X: y\r\n" * 3_000_000)


async def fields(port: int, token: str) -> None:
    """6: heads of as many fields as are accepted."""
    await _many(20, port, b"GET /status HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 900 + b"\r\n")


def _json(token: str, path: str, body: object) -> bytes:
    content = json.dumps(body).encode()
    return _head(token, path, "application/json", len(content)) + content


async def logins(port: int, token: str) -> None:
    """7: logins to the page with a wrong password."""
    wrong = {"username": HONEST, "password": "wrong horse battery"}
    await _many(8, port, _json(token, "/login", wrong))


async def corrections(port: int, token: str) -> None:
    """7: corrections of a product of 50,000 characters, each another one."""
    text = "mot " * 12_000

    async def correct(number: int) -> None:
        while True:
            number += 8
            body = {"designation": f"{number} {text}", "code": tiny.CODES[0]}
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                reader, writer = await asyncio.open_connection(HERE, port)
                writer.write(_json(token, "/corrections", body))
                await reader.readuntil(b"\r\n\r\n")
                writer.close()

    await asyncio.gather(*map(correct, range(8)))


async def queue(port: int, token: str) -> None:
    """7: the next product to review, asked for all the time."""
    await _many(8, port, _head(token, "/review/next", "application/json", 0))


async def nothing(port: int, token: str) -> None:
    """No attack."""
    await asyncio.Event().wait()


ATTACKS: tuple[Attack, ...] = (
    *(nothing, scans, scans_allowed, pixels, canvases, largest, idle, slow, deaf),
    *(held, lines, products, chunks, behind, fields, logins, corrections, queue),
)


def _run(attack: Attack, port: int, token: str, begun: Event) -> None:
    begun.set()
    asyncio.run(attack(port, token))  # type: ignore[arg-type]  # each is a coroutine function


@dataclass
class Seen:
    """What the honest user saw: seconds of answers, and how many were none or no 200."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0

    def milliseconds(self, share: float) -> float:
        return float(np.quantile(self.seconds, share)) * 1000 if self.seconds else np.nan


@dataclass
class Meanwhile:
    """Predictions and health of one attack, and the most memory the service held, in megabytes."""

    predict: Seen = field(default_factory=Seen)
    live: Seen = field(default_factory=Seen)
    megabytes: float = 0.0


def _ask(port: int, data: bytes, seen: Seen, ended: threading.Event) -> None:
    while not ended.wait(PAUSE_SECONDS):
        started = time.monotonic()
        try:
            with socket.create_connection((HERE, port), 10, source_address=(THERE, 0)) as sent:
                sent.sendall(data)
                good = sent.recv(65536).startswith(b"HTTP/1.1 200")
        except OSError:
            good = False
        seen.seconds.append(time.monotonic() - started)
        seen.failed += not good


def measure(attack: Attack, process: Process, seconds: float) -> Meanwhile:
    """Attack `process` for `seconds`, and see what the honest user sees."""
    tokens = [
        process.client.post("/token", data={"username": name, "password": PASSWORD}).json()[
            "access_token"
        ]
        for name in (ATTACKER, HONEST)
    ]
    process.client.close()
    meanwhile, ended = Meanwhile(), threading.Event()
    context = get_context("spawn")
    begun = context.Event()
    attacker = context.Process(target=_run, args=(attack, process.port, tokens[0], begun))
    attacker.start()
    begun.wait()
    time.sleep(BUILT_UP_SECONDS)
    live = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    asking = [
        threading.Thread(target=_ask, args=(process.port, data, seen, ended))
        for data, seen in (
            (request(tokens[1], jpeg(0)), meanwhile.predict),
            (live, meanwhile.live),
        )
    ]
    for thread in asking:
        thread.start()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        meanwhile.megabytes = max(meanwhile.megabytes, process.resident_megabytes())
        time.sleep(0.02)
    ended.set()
    for thread in asking:
        thread.join()
    attacker.kill()
    attacker.join()
    return meanwhile


def variables(folder: Path) -> dict[str, str]:
    """Settings of a service without a limit on products and logins."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "USERS_DATABASE": str(folder / "users.sqlite3"),
        "SERVING_PREDICT_LIMIT": "0",
        "SERVING_TOKEN_ADDRESS_LIMIT": "0",
        "SERVING_TOKEN_ACCOUNT_LIMIT": "0",
    }


def attacked(attack: Attack, model: Path | None, seconds: float) -> Meanwhile:
    """A fresh service, attacked."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if model is None:
            tiny.build(folder)
        else:
            shutil.copytree(model, folder / "models" / "classifier")
            tiny.write_lock(folder)
        users = Users(folder / "users.sqlite3")
        users.create()
        users.add(HONEST, "", ("predict",), PASSWORD)
        users.add(ATTACKER, "", ("predict", "review"), PASSWORD)
        database = open_database(f"sqlite:///{folder / 'corrections.sqlite3'}")
        create_tables(database)
        waits = [waiting(f"{number:032}") for number in range(10_000 * (attack is queue))]
        ReviewQueue(database, size=10_000, lease=300).put(waits)
        with running(folder, variables(folder)) as process:
            return measure(attack, process, seconds)


def main() -> None:
    """Run every attack and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="of each attack")
    parser.add_argument("--model", type=Path, help="folder of a classifier; default: a tiny one")
    parser.add_argument("names", nargs="*", help="attacks; default: all")
    given = parser.parse_args()
    print("| attack | /predict p50 ms | p99 ms | failed | /health/live p99 ms | failed | MB |")
    print("|---|---|---|---|---|---|---|")
    for attack in ATTACKS:
        if given.names and attack.__name__ not in given.names:
            continue
        seen = attacked(attack, given.model, given.seconds)
        said = " ".join((attack.__doc__ or "").split()).rstrip(".")
        predict, live = seen.predict, seen.live
        print(
            f"| {said} | {predict.milliseconds(0.5):.0f} | {predict.milliseconds(0.99):.0f} "
            f"| {predict.failed} of {len(predict.seconds)} | {live.milliseconds(0.99):.0f} "
            f"| {live.failed} of {len(live.seconds)} | {seen.megabytes:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
