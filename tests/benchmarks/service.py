"""How fast the service answers, beside a peer and beside what the machine can do at most.

    make bench-serving                     # or: python -m tests.benchmarks.service --seconds 8

Measures models/classifier as the last pipeline run exported it; the figures asked of the service
are those of the branches

    dvc exp run -S text=lstm -S image=mobilenet -S image.weights=FILE.h5

Sends multipart forms with 500x500 JPEGs over loopback from two client processes that share the
cores, to (a) the service: a token is checked in every request, the limiter counts with a limit
nobody reaches, the log is written; (b) plain FastAPI that calls `keras.Model.predict` for each
request on the same weights (tests/benchmarks/keras_peer.py). (c) is the bound: the classifier asked
in a tight loop on every core. (a), (c) and (b) take turns at every level of concurrency, so that a
machine that is busy meanwhile is busy for all; figures of different runs are not to be compared.
Processor time does not depend on what else runs: in brackets, milliseconds of it for each answer.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import itertools
import os
import secrets
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import uvloop
from PIL import Image

from serving.classifier.classifier import Classifier
from serving.classifier.prediction import Product
from tests.support.process import Process
from tests.support.repository import ROOT

MODEL = ROOT / "models" / "classifier"
PEER = "tests.benchmarks.keras_peer"
CLIENTS = 2
CONCURRENCY = (1, 8, 32)
PICTURES = 16
MOST_REQUESTS = 100_000
"""Of one connection in one measurement, whatever the time."""
ANSWER_SECONDS = 30.0
"""How long a client waits for an answer before it counts an error and hangs up."""
TITLE = "Piscine gonflable ronde pour enfants 3 mètres avec pompe"
DESCRIPTION = "Piscine familiale, facile à monter, livrée avec pompe et bâche. " * 8


@dataclass
class Load:
    """What one level of concurrency gave.

    `latencies` has the seconds of every answer; `in_time` counts those that came before the end of
    the measurement, `errors` those that were no 200 and those that never came. `processor` is the
    processor time the server took, in seconds.
    """

    seconds: float
    processor: float = 0.0
    latencies: list[float] = field(default_factory=list)
    in_time: int = 0
    errors: int = 0

    def add(self, other: Load) -> None:
        """Take in what another client measured at the same time."""
        self.latencies += other.latencies
        self.in_time += other.in_time
        self.errors += other.errors

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.in_time / self.seconds

    @property
    def cost(self) -> float:
        """Milliseconds of processor time for each answer."""
        return self.processor * 1000 / max(len(self.latencies), 1)

    def milliseconds(self, share: float) -> float:
        """The latency that `share` of the answers did not exceed."""
        return float(np.quantile(self.latencies, share)) * 1000 if self.latencies else np.nan


def jpeg(seed: int) -> bytes:
    """A 500x500 picture with as much detail as a photograph."""
    random = np.random.default_rng(seed)
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


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> bool:
    """Send one request and read its answer; whether that is a 200."""
    writer.write(data)
    head = await reader.readuntil(b"\r\n\r\n")
    [length] = [
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    ]
    await reader.readexactly(length)
    return head.startswith(b"HTTP/1.1 200")


async def _connection(port: int, requests: list[bytes], until: float, load: Load) -> None:
    """Ask again and again until the time is up; a connection that fails is one error and over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for data in itertools.islice(itertools.cycle(requests), MOST_REQUESTS):
            started = time.monotonic()
            if started >= until:
                return
            async with asyncio.timeout(ANSWER_SECONDS):
                good = await _ask(reader, writer, data)
            ended = time.monotonic()
            load.latencies.append(ended - started)
            load.in_time += ended <= until
            load.errors += not good
    except (OSError, EOFError, TimeoutError):
        load.errors += 1
    finally:
        writer.close()


def drive(port: int, requests: list[bytes], connections: int, seconds: float) -> Load:
    """One client process: `connections` requests always under way, for `seconds`."""

    async def run() -> Load:
        load = Load(seconds)
        until = time.monotonic() + seconds
        await asyncio.gather(
            *(
                _connection(port, requests[at % len(requests) :], until, load)
                for at in range(connections)
            )
        )
        return load

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def measure(
    clients: ProcessPoolExecutor, server: Process, requests: list[bytes], level: int, seconds: float
) -> Load:
    """The load of all client processes together."""
    before = server.processor_seconds()
    parts = [level // CLIENTS + (client < level % CLIENTS) for client in range(CLIENTS)]
    futures = [clients.submit(drive, server.port, requests, n, seconds) for n in parts if n]
    load = Load(seconds)
    for future in futures:
        load.add(future.result())
    load.processor = server.processor_seconds() - before
    return load


def bound(classifier: Classifier, pictures: list[bytes], seconds: float) -> tuple[float, float]:
    """Products a second when every core does nothing but decode and infer, and their cost in
    milliseconds of processor time."""
    cores = len(os.sched_getaffinity(0))
    counts, before = [0] * cores, time.process_time()
    until = time.monotonic() + seconds

    def loop(core: int) -> None:
        for picture in itertools.cycle(pictures):
            if time.monotonic() >= until:
                return
            classifier.predict([Product(TITLE, DESCRIPTION, picture)])
            counts[core] += 1

    threads = [threading.Thread(target=loop, args=(core,)) for core in range(cores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cost = (time.process_time() - before) * 1000 / max(sum(counts), 1)
    return sum(counts) / seconds, cost


def describe(about: dict[str, Any]) -> str:
    """Which classifier this is."""
    text, image = about["parameters"]["text"], about["parameters"]["image"]
    size = f" at {image['size']} pixels" if "size" in image else ""
    alpha = f", alpha {image['alpha']}" if image.get("alpha") else ""
    return f"text={text['model']}, image={image['model']}{size}{alpha}"


def start(stack: ExitStack, password: str) -> Process:
    """The service on models/classifier."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    variables = {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "USERS_DATABASE": str(folder / "users.sqlite3"),
        "TEST_USER": "load",
        "TEST_USER_PASSWORD": password,
        "SERVING_PREDICT_LIMIT": "1000000",
        "SERVING_LOGGER_PATH": str(folder / "serving.log"),
    }
    process = Process(ROOT, variables, quiet=True)
    stack.callback(process.close)
    return process


def answer(process: Process, token: str, picture: bytes) -> tuple[int, float]:
    """Code and confidence of one picture."""
    body = process.client.post(
        "/predict",
        headers={"Authorization": f"Bearer {token}"},
        data={"designation": TITLE, "description": DESCRIPTION},
        files={"image": picture},
        timeout=60,
    ).json()
    return body["predicted"], body["confidence"]


def row(level: int, service: Load, most: tuple[float, float], peer: Load) -> str:
    """One line of the table."""

    def figures(load: Load) -> str:
        half, nearly_all = load.milliseconds(0.5), load.milliseconds(0.99)
        rate = f"{load.rate:.0f} ({load.cost:.1f})"
        return f"{rate} | {half:.1f} | {nearly_all:.1f} | {load.errors}"

    times = f"{service.rate / peer.rate:.0f}" if peer.in_time else "-"
    share = service.rate / most[0]
    return (
        f"| {level} | {figures(service)} | {most[0]:.0f} ({most[1]:.1f}) | {share:.0%} "
        f"| {figures(peer)} | {times} |"
    )


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    seconds = parser.parse_args().seconds
    pictures = [jpeg(seed) for seed in range(PICTURES)]
    password = secrets.token_urlsafe(16)
    with ExitStack() as stack:
        service = start(stack, password)
        service_seconds = service.wait_ready()
        peer = Process(ROOT, {}, module=PEER, quiet=True)
        stack.callback(peer.close)
        peer_seconds = peer.wait_ready()
        form = {"username": "load", "password": password}
        token = service.client.post("/token", data=form).json()["access_token"]
        answers = [answer(process, token, pictures[0]) for process in (service, peer)]
        (code, confidence), (peer_code, peer_confidence) = answers
        if code != peer_code or not np.isclose(confidence, peer_confidence, atol=1e-3):
            raise SystemExit(f"service and peer disagree: {answers}; run `dvc repro` first")
        classifier = stack.enter_context(Classifier.load(MODEL))
        clients = stack.enter_context(ProcessPoolExecutor(CLIENTS, get_context("spawn")))
        requests = [request(token, picture) for picture in pictures]
        for process in (service, peer):
            measure(clients, process, requests, CLIENTS, 1.0)
        print(f"classifier: {describe(classifier.manifest)}")
        print(f"pictures of {len(pictures[0]) // 1024} KiB, {seconds:.0f} s a measurement\n")
        print(
            "| at once | requests/s | p50 ms | p99 ms | errors | bound/s | share of bound ", end=""
        )
        print("| Keras peer/s | p50 ms | p99 ms | errors | times the peer |")
        print("|---|---|---|---|---|---|---|---|---|---|---|---|")
        for level in CONCURRENCY:
            load = measure(clients, service, requests, level, seconds)
            most = bound(classifier, pictures, seconds)
            slow = measure(clients, peer, requests, level, seconds)
            print(row(level, load, most, slow), flush=True)
        print(
            f"\nservice: ready after {service_seconds:.2f} s, "
            f"{service.resident_megabytes():.0f} MB resident; "
            f"peer: {peer_seconds:.2f} s, {peer.resident_megabytes():.0f} MB"
        )


if __name__ == "__main__":
    main()
