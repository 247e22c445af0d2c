"""How fast the service answers, compared in one run with what the machine can do at most.

    python tests/benchmarks/service.py [--seconds 4]

Starts the service with models/classifier, sends real multipart forms with a 500x500 JPEG over
loopback from two client processes, and compares with the bound: the same classifier asked in a
tight loop on every core. Tokens are checked in every request; the limiter counts, with a limit
nobody reaches. Prints one table; figures of different runs are not to be compared.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import secrets
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from serving.classifier.classifier import Classifier, Product
from tests.serving.process import ROOT, Process

MODEL = ROOT / "models" / "classifier"
CLIENTS = 2
CONCURRENCY = (1, 8, 32)
TITLE = "Piscine gonflable ronde pour enfants 3 mètres avec pompe"
DESCRIPTION = "Piscine familiale, facile à monter, livrée avec pompe et bâche. " * 8


@dataclass
class Load:
    """What one level of concurrency gave: seconds of each answer, and how many were no 200."""

    concurrency: int
    seconds: list[float]
    errors: int
    elapsed: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed


def jpeg() -> bytes:
    """A 500x500 picture with as much detail as a photograph."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 255, (60, 60, 3), np.uint8))
    buffer = io.BytesIO()
    coarse.resize((500, 500), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def request(token: str, picture: bytes) -> bytes:
    """POST /predict as it goes over the wire."""
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in (("designation", TITLE), ("description", DESCRIPTION))
    ]
    head = '--b\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\n'
    body = b"".join(parts) + f"{head}\r\n".encode() + picture + b"\r\n--b--\r\n"
    fields = (
        f"POST /predict HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return fields.encode() + body


async def _connection(port: int, data: bytes, until: float, load: Load) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < until:
        started = time.monotonic()
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        [length] = [
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        ]
        await reader.readexactly(length)
        load.seconds.append(time.monotonic() - started)
        load.errors += not head.startswith(b"HTTP/1.1 200")
    writer.close()
    await writer.wait_closed()


def drive(port: int, data: bytes, connections: int, seconds: float) -> Load:
    """One client process: `connections` requests always under way, for `seconds`."""

    async def run() -> Load:
        load = Load(connections, [], 0, seconds)
        until = time.monotonic() + seconds
        await asyncio.gather(*(_connection(port, data, until, load) for _ in range(connections)))
        return load

    return asyncio.run(run())


def measure(port: int, data: bytes, concurrency: int, seconds: float) -> Load:
    """The load of all client processes together."""
    clients = min(CLIENTS, concurrency)
    with ProcessPoolExecutor(clients, get_context("spawn")) as pool:
        futures = [
            pool.submit(drive, port, data, concurrency // clients, seconds) for _ in range(clients)
        ]
        loads = [future.result() for future in futures]
    return Load(
        concurrency,
        sorted(second for load in loads for second in load.seconds),
        sum(load.errors for load in loads),
        seconds,
    )


def bound(picture: bytes, seconds: float) -> float:
    """Products a second when every core does nothing but decode and infer."""
    cores = len(os.sched_getaffinity(0))
    product = Product(TITLE, DESCRIPTION, picture)
    counts = [0] * cores
    with Classifier.load(MODEL, cores) as classifier:
        classifier.predict([product])
        until = time.monotonic() + seconds

        def loop(core: int) -> None:
            while time.monotonic() < until:
                classifier.predict([product])
                counts[core] += 1

        threads = [threading.Thread(target=loop, args=(core,)) for core in range(cores)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return sum(counts) / seconds


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    seconds = parser.parse_args().seconds
    picture = jpeg()
    password = secrets.token_urlsafe(16)
    with tempfile.TemporaryDirectory() as folder:
        variables = {
            "SECRET_KEY": secrets.token_urlsafe(64),
            "USERS_DATABASE": str(Path(folder) / "users.sqlite3"),
            "TEST_USER": "load",
            "TEST_USER_PASSWORD": password,
            "SERVING_PREDICT_LIMIT": "1000000",
            "SERVING_LOGGER_PATH": str(Path(folder) / "serving.log"),
        }
        process = Process(ROOT, variables, quiet=True)
        try:
            print(f"start to ready {process.wait_ready():.2f} s")
            form = {"username": "load", "password": password}
            token = process.client.post("/token", data=form).json()["access_token"]
            data = request(token, picture)
            measure(process.port, data, 2, 1.0)
            loads = [measure(process.port, data, level, seconds) for level in CONCURRENCY]
            memory = process.resident_megabytes()
            process.stop()
        finally:
            process.close()
    most = bound(picture, seconds)
    print(f"resident {memory:.0f} MB, picture {len(picture) // 1024} KiB, bound {most:.0f}/s\n")
    print("| concurrency | requests/s | share of bound | p50 ms | p99 ms | errors |")
    print("|---|---|---|---|---|---|")
    for load in loads:
        half, most_of = (load.seconds[int(len(load.seconds) * share)] for share in (0.5, 0.99))
        print(
            f"| {load.concurrency} | {load.rate:.0f} | {load.rate / most:.0%} "
            f"| {half * 1000:.1f} | {most_of * 1000:.1f} | {load.errors} |"
        )


if __name__ == "__main__":
    main()
