"""This classifier beside another on the same products, row by row.

Both answer the frozen test products, each with its own serving code and from its own archive of
pictures, in turns, so that quality is compared row by row and seconds are of the same minute. Where
the two were split differently, only products that are test products of both count: neither was
trained on those.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from stages.commands import repository
from stages.commands.quality import paired_tests
from stages.commands.repository import ROOT, ResultError
from stages.commands.results import dvc_lock, revision
from stages.common.paths import ARCHIVE, RAW
from stages.common.settings import load
from stages.evaluation.answers import product
from stages.evaluation.scores import calibration_error, coverage_at
from stages.pictures.archive import PictureArchive

TEST = "data/prepared/test.parquet"
FEWEST = 100
"""Shared test products below which nothing is judged when the test sets differ."""

F1, MACRO, PRECISION = "weighted F1", "macro F1", "precision of the accepted"
COVERAGE, CALIBRATION = "coverage at 95 % precision", "calibration error"

_ANSWERS = Path(__file__).with_name("timed_answers.py")
_ROUNDS = 2
_LISTING = ["id", "designation", "description", "picture", "prdtypecode"]


@dataclass(frozen=True)
class Rows:
    """Test products of both results, as ROOT has them; `name` tells this set by its hash, and
    `sizes` are those of the base's and of this result's whole test set where the two differ."""

    products: pd.DataFrame
    name: str
    sizes: tuple[int, int] | None


@dataclass(frozen=True)
class Judgement:
    """This classifier (new) against its base (old) on the same rows; `figures` by their names."""

    rows: int
    rows_hash: str
    sizes: tuple[int, int] | None
    figures: Mapping[str, paired_tests.Interval]
    only_old: int
    only_new: int
    p_value: float
    old_seconds: float
    new_seconds: float

    @property
    def f1(self) -> paired_tests.Interval:
        """That of the weighted F1."""
        return self.figures[F1]

    @property
    def better(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.f1.low > 0

    def __str__(self) -> str:
        verdict = "better" if self.better else "worse" if self.f1.high < 0 else "not told apart"
        differing = ""
        if self.sizes is not None:
            differing = (
                f"The test sets differ: {self.sizes[0]} products of the base, {self.sizes[1]} of "
                "this result; compared is what they share. "
            )
        return (
            f"{differing}On the same {self.rows} test products ({self.rows_hash}): weighted F1 "
            f"{self.f1.difference:+.4f}, interval {self.f1.low:+.4f} to {self.f1.high:+.4f}; "
            f"{self.only_new} products only this one has right, {self.only_old} only the base, "
            f"McNemar p = {self.p_value:.3f}: {verdict}."
        )


def figures(bins: int) -> dict[str, paired_tests.Figure]:
    """What is compared, by name; `bins` of the calibration error."""

    def of_confidence(score: Callable[[np.ndarray, np.ndarray], float]) -> paired_tests.Figure:
        return lambda labels, answers: score(answers.confidence, answers.codes == labels)

    return {
        F1: paired_tests.weighted_f1,
        MACRO: paired_tests.macro_f1,
        PRECISION: paired_tests.accepted_precision,
        COVERAGE: of_confidence(partial(coverage_at, precision=0.95)),
        CALIBRATION: of_confidence(partial(calibration_error, bins=bins)),
    }


def judge(base: str) -> Judgement:
    """Compare with the classifier of revision `base`. Raises ResultError when that cannot be."""
    revision.require_present(ROOT, "this result")
    with revision.at(base) as where:
        return judge_folder(where, obtain_base(base, where))


def judge_folder(where: Path, pictures: Path) -> Judgement:
    """Compare with the classifier below `where`, which answers with the archive `pictures`.

    Needed there: `serving`, models/classifier, dvc.lock, and its test products where they are
    others than here. Raises ResultError as `judge` does.
    """
    settings = load()
    archives = pictures, ROOT / ARCHIVE
    with tempfile.TemporaryDirectory() as folder:
        rows = common_rows(where)
        products = Path(folder) / "old.jsonl", Path(folder) / "new.jsonl"
        for archive, path in zip(archives, products, strict=True):
            write_products(rows.products, archive, path)
        rounds = [
            [
                answers(root, path, Path(folder) / "answers.npz")
                for root, path in zip((where, ROOT), products, strict=True)
            ]
            for _ in range(_ROUNDS)
        ]
    actual, *answered = (
        np.asarray(codes).astype(np.str_)
        for codes in (rows.products["prdtypecode"], *(turn["codes"] for turn in rounds[0]))
    )
    _, columns = np.unique(np.concatenate([actual, *answered]), return_inverse=True)
    labels, old, new = np.split(columns, 3)
    seconds = [min(float(np.median(turn[i]["seconds"])) for turn in rounds) for i in (0, 1)]
    before, after = (
        paired_tests.ClassifierAnswers(codes, turn["confidence"], turn["accepted"])
        for codes, turn in zip((old, new), rounds[0], strict=True)
    )
    return Judgement(
        len(labels),
        rows.name,
        rows.sizes,
        paired_tests.intervals(
            figures(settings.evaluate.bins),
            labels,
            before,
            after,
            rows.products["group"].to_numpy(),
            confidence=settings.gate.confidence,
            resamples=settings.gate.resamples,
            seed=0,
        ),
        *paired_tests.mcnemar(labels, old, new),
        *seconds,
    )


def obtain_base(base: str, where: Path) -> Path:
    """Bring what answers into the clone of `base`, or make it; returns its archive of pictures.

    Raises ResultError.
    """
    mine, theirs = (dvc_lock.outputs(dvc_lock.read(root)).get(str(RAW)) for root in (ROOT, where))
    with suppress(revision.MissingError):  # it is a fresh clone: nothing is there yet
        revision.require_present(where, base)
    same = mine is not None and theirs is not None and mine.hash == theirs.hash
    wanted = [dvc_lock.CLASSIFIER, "data/prepared", *([] if same else [str(RAW)])]
    if revision.obtain(wanted, where):
        return (ROOT if same else where) / ARCHIVE
    print(f"No outputs of {base} in the cache: running its pipeline.", file=sys.stderr)
    if repository.dvc("repro", "evaluate", where=where, shown=True).returncode:
        raise ResultError(f"the pipeline of {base} fails, so it gives no baseline")
    return where / ARCHIVE


def common_rows(base: Path) -> Rows:
    """Products that are test products of both results, with this result's groups."""
    mine, theirs = (
        dvc_lock.dependency(dvc_lock.read(root), "evaluate", TEST) for root in (ROOT, base)
    )
    rows = pd.read_parquet(ROOT / TEST)[[*_LISTING, "group"]]
    if mine is not None and mine == theirs:
        return Rows(rows, f"md5 {mine}", None)
    other = pd.read_parquet(base / TEST)
    if lacking := [name for name in _LISTING if name not in other]:
        raise ResultError(
            f"{TEST} of the base has no column {', '.join(lacking)}: made by code too old to be "
            "compared with"
        )
    shared = rows.merge(other[_LISTING])
    if len(shared) < FEWEST:
        raise ResultError(
            f"only {len(shared)} products are test products of both results, and {FEWEST} are "
            "needed: data or split changed, so they cannot be compared"
        )
    digest = hashlib.sha256(shared[_LISTING].to_csv(index=False).encode()).hexdigest()
    return Rows(shared, f"sha256 {digest}", (len(other), len(rows)))


def write_products(rows: pd.DataFrame, pictures: Path, output: Path) -> None:
    """What each row gives the classifier, as JSON lines with the picture in base64.

    So nothing but the serving code of the repository that is asked differs between the two.
    """
    with PictureArchive(pictures) as archive, output.open("w", encoding="utf-8") as lines:
        for row in rows.itertuples():
            listing = product(row, archive)
            fields = {
                "designation": listing.designation,
                "description": listing.description,
                "image": listing.image,
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
