"""Is this classifier better than another on the same products? `make promotion BASE=<revision>`.

Both answer the frozen test products, each with its own serving code, in turns, so that quality is
compared row by row and seconds are of the same minute. Where the two were split differently, only
products that are test products of both count: neither was trained on those.

Exit status: 0 better beyond noise, 1 not, 3 there is nothing to compare with.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from stages.commands import clones, locks, paired
from stages.commands.clones import ROOT, ResultError
from stages.common.output import StageError, fail
from stages.common.paths import ARCHIVE
from stages.common.settings import load
from stages.evaluation.answers import product
from stages.pictures.archive import PictureArchive

TEST = "data/prepared/test.parquet"
NO_BASELINE = 3
FEWEST = 100
"""Test products below which nothing is judged."""

_ANSWERS = Path(__file__).with_name("timed_answers.py")
_ROUNDS = 2
_LISTING = ["id", "designation", "description", "picture", "prdtypecode"]


@dataclass(frozen=True)
class Judgement:
    """This classifier (new) against its base (old) on the same rows."""

    rows: int
    rows_hash: str
    f1: paired.Interval
    only_old: int
    only_new: int
    p_value: float
    old_seconds: float
    new_seconds: float

    @property
    def better(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.f1.low > 0

    def __str__(self) -> str:
        verdict = "better" if self.better else "worse" if self.f1.high < 0 else "not told apart"
        return (
            f"On the same {self.rows} test products ({self.rows_hash}): weighted F1 "
            f"{self.f1.difference:+.4f}, interval {self.f1.low:+.4f} to {self.f1.high:+.4f}; "
            f"{self.only_new} products only this one has right, {self.only_old} only the base, "
            f"McNemar p = {self.p_value:.3f}: {verdict}."
        )


def judge(base: str) -> Judgement:
    """Compare with the classifier of revision `base`. Raises ResultError when that cannot be."""
    settings = load().gate
    with clones.at(base) as where, tempfile.TemporaryDirectory() as folder:
        if not clones.obtain([locks.CLASSIFIER, "data/prepared"], where):
            print(f"No outputs of {base} in the cache: running its pipeline.", file=sys.stderr)
            if clones.dvc("repro", "evaluate", where=where, shown=True).returncode:
                raise ResultError(f"the pipeline of {base} fails, so it gives no baseline")
        rows, rows_hash = common_rows(where)
        products = Path(folder) / "products.jsonl"
        write_products(rows, ROOT / ARCHIVE, products)
        rounds = [
            [answers(root, products, Path(folder) / "answers.npz") for root in (where, ROOT)]
            for _ in range(_ROUNDS)
        ]
    labels, old, new = (
        np.asarray(codes, np.int64)
        for codes in (rows["prdtypecode"], rounds[0][0]["codes"], rounds[0][1]["codes"])
    )
    _, numbers = np.unique(np.concatenate([labels, old, new]), return_inverse=True)
    labels, old, new = np.split(numbers, 3)
    seconds = [min(float(np.median(turn[i]["seconds"])) for turn in rounds) for i in (0, 1)]
    return Judgement(
        len(rows),
        rows_hash,
        paired.f1_interval(
            labels,
            old,
            new,
            confidence=settings.confidence,
            resamples=settings.resamples,
            seed=0,
        ),
        *paired.mcnemar(labels, old, new),
        *seconds,
    )


def common_rows(base: Path) -> tuple[pd.DataFrame, str]:
    """Products that are test products of both results, and the hash that names this set."""
    mine, theirs = (locks.dependency(locks.read(root), "evaluate", TEST) for root in (ROOT, base))
    rows = pd.read_parquet(ROOT / TEST)[_LISTING]
    if mine is not None and mine == theirs:
        return rows, f"md5 {mine}"
    rows = rows.merge(pd.read_parquet(base / TEST)[_LISTING])
    if len(rows) < FEWEST:
        raise ResultError(
            f"only {len(rows)} products are test products of both results, and {FEWEST} are "
            "needed: data or split changed, so they cannot be compared"
        )
    digest = hashlib.sha256(rows.to_csv(index=False).encode()).hexdigest()
    return rows, f"sha256 {digest}"


def write_products(rows: pd.DataFrame, pictures: Path, output: Path) -> None:
    """What each row gives the classifier, as JSON lines with the picture in base64.

    So nothing but the serving code of the repository that is asked differs between the two.
    """
    with PictureArchive(pictures) as archive, output.open("w", encoding="utf-8") as lines:
        for row in rows.itertuples():
            asked = product(row, archive)
            fields = {
                "designation": asked.designation,
                "description": asked.description,
                "image": asked.image,
            }
            lines.write(json.dumps(fields, default=lambda image: b64encode(image).decode()) + "\n")


def answers(root: Path, products: Path, output: Path) -> dict[str, np.ndarray]:
    """What the classifier of the repository at `root` says of `products`, by its serving code."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-P", str(_ANSWERS), str(products), str(output)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ResultError(f"the classifier of {root} does not answer:\n{done.stderr}")
    with np.load(output) as stored:
        return dict(stored)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit("usage: make promotion BASE=<revision>")
    try:
        judgement = judge(sys.argv[1])
    except ResultError as error:
        print(f"promotion: {error}", file=sys.stderr)
        sys.exit(NO_BASELINE)
    except StageError as error:
        fail("promotion", error)
    print(judgement)
    sys.exit(0 if judgement.better else 1)
