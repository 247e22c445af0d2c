"""Products a second with Ray on one and on two hosts of one core each: `make bench-engine`.

Two network namespaces of this machine are the hosts, each held to a core of its own; Ray's own
processes and the command run on the first. The catalogue repeats the listings of data/raw (make
repro), a fifth of them unseen, to PRODUCTS rows with or without their pictures. A rate is that
between the first and the last writing of the manifest, so without what it takes to start; `whole`
is all of it. Memory is the most that a worker had. Needs root, two cores and a quiet machine. Of
another catalogue in the layout of the challenge, and of fewer products:

    python -m tests.benchmarks.engine --data ../catalogue --products 20000
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from stages.common.paths import CLASSIFIER, IMAGES, RAW, TEST_PRODUCTS, TRAIN_PRODUCTS
from tests.support import hosts
from tests.support.hosts import RAY, Host
from tests.support.repository import ROOT

PRODUCTS = 40_000
SHARD = 1_024
ACTOR = "MapWorker(Map(ShardWorker))"


@dataclass
class Run:
    """What was measured of a run: seconds in all, products a second, megabytes of a worker."""

    whole: float
    rate: float
    memory: float
    answers: str


def catalogue(data: Path, path: Path, products: int) -> None:
    """Write the table of the listings in the folder `data`."""
    tables = [
        pd.read_csv(data / name, dtype=str, keep_default_na=False, index_col=0)
        for name in (TEST_PRODUCTS, TRAIN_PRODUCTS)
    ]
    rows = pd.concat(tables, ignore_index=True)
    rows = pd.concat([rows] * (products // len(rows) + 1), ignore_index=True).head(products)
    rows.to_csv(path)


def answered(folder: Path) -> int:
    """Products in the manifest; 0 before there is one."""
    try:
        told = json.loads((folder / "manifest.json").read_text("utf-8"))
    except FileNotFoundError:
        return 0
    return int(told["answered"]["products"])


def peak(pid: int) -> float:
    """The most that was ever resident, in megabytes; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return 0.0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) / 1024 if found else 0.0


def run(pair: list[Host], table: Path, pictures: Path | None, output: Path, *, kill: bool) -> Run:
    """Answer `table` on the hosts; with `kill`, a worker of the last one is lost on the way."""
    started = time.perf_counter()
    process = pair[0].start(
        *(str(RAY / "python"), "-m", "stages.commands", "batch", "predict-ray"),
        *("--output", str(output), "--shard", str(SHARD)),
        *("--pictures", str(pictures or ""), str(table)),
        cwd=ROOT,
        env={"RAY_ADDRESS": f"{pair[0].address}:{hosts.PORT}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    first = last = (0.0, 0)
    memory = 0.0
    while process.poll() is None:
        count, now = answered(output), time.perf_counter()
        if count > last[1]:
            last = now, count
            first = first if first[1] else last
        workers = [pid for host in pair for pid in host.processes(ACTOR)]
        memory = max([memory, *map(peak, workers)])
        if kill and count:
            os.kill(pair[-1].processes(ACTOR)[0], 9)
            kill = False
        time.sleep(0.1)
    if process.returncode:
        sys.exit(process.stderr.read())
    shards = sorted(output.glob("*.parquet"))
    hashes = [hashlib.sha256(shard.read_bytes()).hexdigest() for shard in shards]
    return Run(
        time.perf_counter() - started,
        (last[1] - first[1]) / (last[0] - first[0]),
        memory,
        hashlib.sha256("".join(hashes).encode()).hexdigest(),
    )


def main() -> None:
    """Print the table."""
    if why := hosts.refusal():
        sys.exit(why)
    parser = argparse.ArgumentParser(description="Products a second, on one host and on two.")
    parser.add_argument("--data", type=Path, default=RAW, help="the catalogue's folder")
    parser.add_argument("--products", type=int, default=PRODUCTS, help="rows to answer")
    asked = parser.parse_args()
    archive = (asked.data / IMAGES).resolve()
    for needed in (asked.data / TEST_PRODUCTS, archive, CLASSIFIER / "manifest.json"):
        if not needed.is_file():
            sys.exit(f"{needed} is not there; run `make repro`")
    print(f"{asked.products:,} products, shards of {SHARD:,}\n")
    print("| products | hosts | products/s | of linear | whole, s | a worker, MB |")
    print("|---|---|---|---|---|---|")
    with TemporaryDirectory(prefix="ray-") as name:
        folder = Path(name)
        catalogue(asked.data, folder / "new.csv", asked.products)
        for title, pictures in (("texts", None), ("texts and pictures", archive)):
            found: dict[str, Run] = {}
            for label, count, kill in (
                ("one", 1, False),
                ("two", 2, False),
                ("two, a worker killed", 2, True),
            ):
                with hosts.two_hosts({"PYTHONPATH": str(ROOT)}, cores=(0, 1)) as both:
                    pair = list(both[:count])
                    for host in pair:
                        host.serve_ray(pair[0], 1, folder / f"{title[-1]}{len(found)}")
                    output = folder / f"{title}-{label}"
                    found[label] = run(pair, folder / "new.csv", pictures, output, kill=kill)
                of, one = found[label], found["one"]
                if of.answers != one.answers:
                    sys.exit(f"{title}, {label}: other answers than on one host")
                print(
                    f"| {title} | {label} | {of.rate:,.0f} | {of.rate / one.rate / count:.2f} | "
                    f"{of.whole:,.0f} | {of.memory:,.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
