"""What each stage costs, and how that grows, up to the size of the real set: `make bench-size`.

Builds a catalogue of each size (tests/benchmarks/large_catalogue.py) from the real extract where it
lies beside the project, else from the embedded sample, and runs the stages of the commit one by one
with `dvc repro` in a clone, `image=mobilenet`. Prints seconds, processor seconds (those of all
processes a stage starts), their growth from one size to the next (the exponent: 1 is linear), the
most memory that the stage's processes held at once, and what its outputs take. Beside it the peer
of `train_text`: TF-IDF of words and characters, LinearSVC calibrated with as many folds. With
smaller sizes, other options of the pipeline, or some stages again, on a catalogue that is kept:

    python -m tests.benchmarks.full_size --sizes 2000 5000 --work ../sizes \
        --stages prepare fuse -S image=cnn

Takes several GB in a temporary folder, or in that of --work, where catalogues and clones are kept.
Progress goes to standard error, the table to standard output.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import psutil

from stages.commands import repository
from stages.commands.pipeline.composition import compose
from stages.commands.results import revision
from stages.common.products import read_training
from stages.common.settings import Ngrams, load
from stages.sources.sample import listings as sample
from tests.benchmarks import large_catalogue, peers
from tests.benchmarks.combinations import outputs
from tests.benchmarks.quality import folder, pretrained, say
from tests.support.repository import PIPELINE, ROOT

SIZES = (5000, 20_000, large_catalogue.LABELLED)
BESIDE = ROOT.parent / "shared"
EXTRACT = BESIDE / "rakuten"
WEIGHTS = BESIDE / "weights" / "mobilenet_2_5_224_tf_no_top.h5"

PEER = "peer of train_text"
ALL = "all stages"
OTHERS = "all but train_text"

_SAMPLE = 2800
_INTERVAL = 0.2
"""Seconds between two looks at the memory."""

_LAST = 2000


class Cost(NamedTuple):
    """What one stage took: seconds, seconds of all processors, most bytes of memory, bytes of its
    outputs."""

    seconds: float
    processor: float
    memory: int
    disk: int


class Row(NamedTuple):
    """The cost of one stage for so many labelled products."""

    stage: str
    products: int
    cost: Cost


def summed(rows: Sequence[Row]) -> Iterator[Row]:
    """All stages of each size together, with train_text and without it; memory is the most."""
    for name, left_out in ((ALL, {PEER}), (OTHERS, {PEER, "train_text"})):
        counted = [row for row in rows if row.stage not in left_out]
        for size in dict.fromkeys(row.products for row in counted):
            of = [row.cost for row in counted if row.products == size]
            seconds, processor, memory, disk = zip(*of, strict=True)
            yield Row(name, size, Cost(sum(seconds), sum(processor), max(memory), sum(disk)))


def exponent(smaller: Row, larger: Row) -> float:
    """The power of the number of products with which processor seconds grew."""
    growth = larger.cost.processor / smaller.cost.processor
    return math.log(growth) / math.log(larger.products / smaller.products)


def markdown(rows: Sequence[Row]) -> str:
    """The table, the sizes of one stage below each other."""
    header = (
        *("stage", "products", "seconds", "processor seconds", "exponent"),
        *("memory, GB", "outputs, GB"),
    )
    lines: list[tuple[str, ...]] = [header, tuple("---" for _ in header)]
    for stage in dict.fromkeys(row.stage for row in rows):
        of = sorted((row for row in rows if row.stage == stage), key=lambda row: row.products)
        for before, row in zip([None, *of], of, strict=False):
            cost = row.cost
            lines.append(
                (
                    *(stage, f"{row.products:,}", f"{cost.seconds:,.0f}", f"{cost.processor:,.0f}"),
                    f"{exponent(before, row):.2f}" if before else "",
                    *(f"{size / 1e9:.2f}" for size in (cost.memory, cost.disk)),
                )
            )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def ratios(rows: Sequence[Row]) -> Iterator[str]:
    """How many times the peer's processor seconds `train_text` takes, for each size."""
    took = {(row.stage, row.products): row.cost.processor for row in rows}
    for (stage, products), peer in took.items():
        if stage == PEER and (own := took.get(("train_text", products))):
            times = f"{own / peer:.1f} times the peer's processor seconds"
            yield f"{products:,} products: train_text takes {times}"


def measured(command: Sequence[str], where: Path, log: Path) -> Cost:
    """Run a command and tell its cost, without outputs; what it prints goes to `log`.

    Raises repository.ResultError with its last words when it fails.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    started = time.perf_counter()
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=where,
            env={**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        most = 0
        try:
            while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
                most = max(most, memory(process.pid))
                time.sleep(_INTERVAL)
        except BaseException:
            process.kill()
            raise
    seconds = time.perf_counter() - started
    _, status, used = ended
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        last = log.read_text(encoding="utf-8", errors="replace")[-_LAST:]
        raise repository.ResultError(f"{' '.join(command)} failed in {where}:\n{last}")
    return Cost(seconds, used.ru_utime + used.ru_stime, most, 0)


def memory(pid: int) -> int:
    """Bytes that a process and all below it hold; what they share counts once."""
    held = 0
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return 0
    for process in family:
        try:
            held += process.memory_full_info().pss
        except psutil.Error:
            continue
    return held


def disk(paths: Iterable[Path]) -> int:
    """Bytes of files and folders."""
    files = (file for path in paths for file in (path, *path.rglob("*")) if file.is_file())
    return sum(file.stat().st_size for file in files)


def prepared_clone(where: Path, overrides: Sequence[str]) -> None:
    """The repository's commit in `where`, set up with Hydra `overrides`; what stages left in an
    earlier clone stays."""
    commit = revision.commit_of("HEAD")
    if where.is_dir():
        repository.git("checkout", "--quiet", "--force", "--detach", commit, where=where)
    else:
        revision.clone(where, commit)
    (where / "params.yaml").write_text(compose(where / "conf", overrides), encoding="utf-8")


def costs(where: Path, stages: Sequence[str], products: int) -> Iterator[Row]:
    """Run `stages` in the clone, and the peer of train_text on the same products."""
    for stage in PIPELINE:
        if stage in stages:
            command = [sys.executable, "-m", "dvc", "repro", "--single-item", "--force"]
            log = where.parent / f"{stage}.log"
            cost = measured([*command, "--no-run-cache", stage], where, log)
            yield Row(
                stage, products, cost._replace(disk=disk(where / out for out in outputs(stage)))
            )
    if PEER in stages:
        code = "from tests.benchmarks.full_size import train_peer; train_peer()"
        command = [sys.executable, "-c", code]
        yield Row(PEER, products, measured(command, where, where.parent / "peer.log"))


def train_peer() -> None:
    """Train the peer on the prepared products of the working directory."""
    text = load().text
    assert isinstance(text, Ngrams)
    peers.calibrated_svc(read_training(), peers.tuned_svc(), text.folds)


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.full_size", description=(__doc__ or "").split("\n")[0]
    )
    add = parser.add_argument
    stages = [*PIPELINE, PEER]
    add("--sizes", type=int, nargs="+", default=SIZES, help="labelled products")
    add("--data", type=folder, help="folder of the catalogue that others are made from")
    add("--weights", type=pretrained, help="MobileNet's: the path of a .h5 file, or imagenet")
    add("--work", type=Path, help="folder for catalogues and clones, which are kept")
    add("--stages", nargs="+", choices=stages, default=stages, help="which to run")
    add("--seed", type=int, default=1, help="of the catalogues")
    add("-S", action="append", default=[], dest="options", help="further options of the pipeline")
    return parser.parse_args(words)


def source(asked: argparse.Namespace, scratch: Path) -> large_catalogue.Source:
    """What catalogues are made from."""
    if asked.data is not None:
        return large_catalogue.Source.read(asked.data)
    if EXTRACT.is_dir():
        return large_catalogue.Source.read(EXTRACT)
    made = scratch / "sample"
    if not made.is_dir():
        made.mkdir(parents=True)
        sample.generate(made, products=_SAMPLE, unlabelled=0, seed=asked.seed)
    return large_catalogue.Source.read(made)


def main(words: Sequence[str] | None = None) -> int:
    """Print the table; exit status 1 when a stage fails."""
    asked = arguments(words)
    weights = f"'{asked.weights or WEIGHTS}'" if asked.weights or WEIGHTS.is_file() else "null"
    rows: list[Row] = []
    failure = None
    kept = nullcontext(asked.work) if asked.work else tempfile.TemporaryDirectory(prefix="sizes-")
    with kept as scratch:
        work = Path(scratch).resolve()
        of = source(asked, work)
        try:
            for size in asked.sizes:
                place = work / str(size)
                large_catalogue.build(of, size, asked.seed, place / "catalogue")
                options = ["data=folder", f"data.path='{place / 'catalogue'}'"]
                if not any(option.startswith("image=") for option in asked.options):
                    options += ["image=mobilenet", f"image.weights={weights}"]
                clone = place / "repository"
                prepared_clone(clone, [*options, *asked.options])
                for row in costs(clone, asked.stages, size):
                    say(f"{size:,} products, {row.stage}: {shown(row.cost)}")
                    rows.append(row)
        except repository.ResultError as error:
            failure = error
    if rows:
        print(markdown([*rows, *summed(rows)]))
        for line in ratios(rows):
            print(line)
    if failure:
        say(f"error: {failure}")
    return int(failure is not None)


def shown(cost: Cost) -> str:
    """For those who wait."""
    return (
        f"{cost.seconds:.0f} s, {cost.processor:.0f} s of processors, "
        f"{cost.memory / 1e9:.2f} GB of memory, {cost.disk / 1e9:.2f} GB on disk"
    )


if __name__ == "__main__":
    sys.exit(main())
