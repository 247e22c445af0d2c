"""What each pin of the bits costs, and whether bits hold without it: `make bench-determinism`.

Every line computes the same thing in fresh processes with one pin taken off: the default picture
network for the pins of TensorFlow, discriminant analysis on 2,000 x 1,536 features for that of BLAS
threads, and all stages of the committed pipeline, in a clone of HEAD, for the kernels of every
library. Once on two processors and once on one; the pipeline once, on two. Seconds are those of the
processors, all threads together, the fewer of both runs: on a busy machine they hold still where
the clock does not. "Cost" is those with all pins against those without that one; "bits equal"
compares both runs, and that of the pipeline with the one that has all pins.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from stages.__main__ import run
from stages.commands.results import revision
from stages.common.determinism import ENVIRONMENT
from stages.common.settings import Cnn, load

RUNS = 2
_CODES = 27
KERNELS = {
    "kernels of BLAS": ["OPENBLAS_CORETYPE"],
    "kernels of NumPy": ["NPY_DISABLE_CPU_FEATURES"],
    "kernels of oneDNN": ["ONEDNN_MAX_CPU_ISA"],
}
LINES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("all pins", "network", {}),
    ("seeds", "network", {"seeds": False}),
    ("deterministic kernels", "network", {"kernels": False}),
    ("2 intra-op threads", "network", {"threads": False}),
    ("1 inter-op thread", "network", {"inter": False}),
    ("oneDNN on", "network", {"environment": {"TF_ENABLE_ONEDNN_OPTS": "0"}}),
    ("all pins", "discriminant", {}),
    (
        "1 BLAS and OpenMP thread",
        "discriminant",
        {"without": ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"]},
    ),
    ("all pins", "pipeline", {}),
    *((name, "pipeline", {"without": variables}) for name, variables in KERNELS.items()),
    ("all three", "pipeline", {"without": [each for of in KERNELS.values() for each in of]}),
)


def network(options: dict[str, Any]) -> tuple[float, bytes]:
    """Processor seconds of two epochs of the picture network after a first one, and its weights."""
    ENVIRONMENT.update(dict(options.get("environment", {})))
    from stages.common.keras_setup import keras, tf
    from stages.image.cnn import cnn

    settings = load()
    assert isinstance(settings.image, Cnn)
    if options.get("threads", True):
        tf.config.threading.set_intra_op_parallelism_threads(settings.train.threads)
    if options.get("inter", True):
        tf.config.threading.set_inter_op_parallelism_threads(1)
    if options.get("kernels", True):
        tf.config.experimental.enable_op_determinism()
    any_seed = int.from_bytes(os.urandom(3), "big")
    keras.utils.set_random_seed(settings.train.seed if options.get("seeds", True) else any_seed)
    model = cnn(settings.image, _CODES)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    random = np.random.default_rng(0)
    size = settings.image.size
    pixels = random.integers(0, 255, (384, size, size, 3), np.uint8)
    labels = random.integers(0, 27, 384)
    model.fit(pixels, labels, batch_size=settings.train.batch_size, shuffle=False, verbose=0)
    started = time.process_time()
    model.fit(pixels, labels, epochs=2, batch_size=settings.train.batch_size, verbose=0)
    seconds = time.process_time() - started
    return seconds, b"".join(weight.tobytes() for weight in model.get_weights())


def discriminant(_: dict[str, Any]) -> tuple[float, bytes]:
    """Processor seconds of three discriminant analyses, and the last one's kernel and bias."""
    from stages.training.discriminant import discriminant

    random = np.random.default_rng(0)
    features = random.normal(size=(2000, 1536)).astype(np.float32)
    labels = random.integers(0, 27, 2000)
    started = time.process_time()
    for _repeat in range(3):
        kernel, bias = discriminant(features, labels, 27, 0.4)
    return time.process_time() - started, kernel.tobytes() + bias.tobytes()


def pipeline(options: dict[str, Any]) -> tuple[float, bytes]:
    """Processor seconds of all stages, each in a process of its own, and what they wrote."""
    with tempfile.TemporaryDirectory() as folder:
        where = revision.clone(Path(folder) / "repository", revision.commit_of("HEAD"))
        stages = yaml.safe_load((where / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
        for name in stages:
            command = [sys.executable, "-m", "tests.benchmarks.determinism", name]
            subprocess.run(  # noqa: S603
                [*command, json.dumps(options)], cwd=where, stdout=subprocess.DEVNULL, check=True
            )
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        files = sorted(file for top in ("models", "metrics") for file in (where / top).rglob("*"))
        digests = [hashlib.sha256(file.read_bytes()).digest() for file in files if file.is_file()]
    return used.ru_utime + used.ru_stime, b"".join(digests)


def measure(work: str, options: dict[str, Any], processors: int) -> tuple[float, str]:
    """Processor seconds and digest of one run in a process of its own."""
    environment = {**os.environ, **ENVIRONMENT}
    for name in list(options.get("without", [])):
        del environment[name]
    available = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(available)[:processors]))
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "tests.benchmarks.determinism", work, json.dumps(options)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=True,
        )
    finally:
        os.sched_setaffinity(0, available)
    seconds, digest = json.loads(done.stdout.splitlines()[-1])
    return float(seconds), str(digest)


def main() -> None:
    """Print the table."""
    print("| without | trained | processor seconds | cost of the pin | bits equal |")
    print("|---|---|---|---|---|")
    pinned: dict[str, tuple[float, str]] = {}
    for name, work, options in LINES:
        count = 1 if work == "pipeline" else RUNS
        runs = [measure(work, options, 2 - number % 2) for number in range(count)]
        seconds = min(each for each, _ in runs)
        pinned.setdefault(work, (seconds, runs[0][1]))
        cost = f"{pinned[work][0] / seconds - 1:+.0%}" if options else ""
        title = name if options else "nothing"
        digests = {digest for _, digest in runs}
        equal = "yes" if len(digests | ({pinned[work][1]} if count == 1 else set())) == 1 else "no"
        print(f"| {title} | {work} | {seconds:.2f} | {cost} | {equal} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        if not Path("params.yaml").is_file():
            sys.exit("run from the repository's root")
        of = json.loads(sys.argv[2])
        for pin in of.get("without", ()):
            ENVIRONMENT.pop(pin)
        works = {"network": network, "discriminant": discriminant, "pipeline": pipeline}
        if sys.argv[1] in works:
            took, made = works[sys.argv[1]](of)
            print(json.dumps([took, hashlib.sha256(made).hexdigest()]))
        else:
            run(sys.argv[1])
