"""Is the default text branch ahead of linear models at every size? `make bench-text`.

Learns from ever more of a catalogue's labelled products with text, and answers products that are
never learnt from. The peers are linear models over TF-IDF of words and characters, C chosen anew at
every size on validation products; the branch keeps its committed settings at all sizes. Each seed
draws other products. Of another catalogue, such as one of many titles:

    python -m tests.benchmarks.text_by_size --data ../translated --sizes 5000 20000 40000

Progress goes to standard error, the table to standard output.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

from stages.common.keras_setup import set_up
from stages.common.paths import RAW, TRAIN_CODES, TRAIN_PRODUCTS
from stages.common.products import columns
from stages.common.settings import Ngrams, load
from stages.preparation.tables import join_labels, read_labels, read_products
from stages.text.ngrams import NgramBranch
from stages.text.texts import with_texts
from stages.training.branch import Examples
from tests.benchmarks import peers
from tests.benchmarks.quality import folder, say
from tests.benchmarks.table import spread
from tests.support.rakuten import CODES

BRANCH = "text=ngrams"
PEER = "peer: LinearSVC"
GRID = (0.25, 0.5, 1.0, 2.0)
"""Of the peer's C."""

TEST_SHARE, VALIDATION_SHARE = 0.125, 0.025
"""Of the products; the peer's C is chosen on the latter."""


class Reached(NamedTuple):
    """Weighted F1 on products that are never learnt from, and processor seconds of one fit."""

    model: str
    size: int
    seed: int
    f1: float
    seconds: float


def read(catalogue: Path) -> pd.DataFrame:
    """The labelled products of a folder in the layout of the challenge."""
    products = read_products(catalogue / TRAIN_PRODUCTS, TRAIN_PRODUCTS)
    labels = read_labels(catalogue / TRAIN_CODES, TRAIN_CODES)
    labelled = join_labels(products, labels, TRAIN_CODES)
    return labelled.assign(prdtypecode=labelled["prdtypecode"].astype(int))


def parts(products: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers of the products to test on, to choose on, and to learn from, in random order."""
    drawn = np.random.default_rng(seed).permutation(products)
    test, chosen = np.rint(np.array([TEST_SHARE, VALIDATION_SHARE]) * products).astype(int)
    return drawn[:test], drawn[test : test + chosen], drawn[test + chosen :]


def compared(products: pd.DataFrame, sizes: Sequence[int], seed: int) -> Iterator[Reached]:
    """Branch and peer at every size that there are products for."""
    settings = load()
    text = settings.text
    assert isinstance(text, Ngrams)
    products, texts = with_texts(products)
    labels, documents = columns(products, CODES), peers.documents(products, titles=1)
    numbers = np.arange(len(products))
    examples = Examples(numbers, labels, numbers, np.zeros(len(products), bool), len(CODES))
    branch = NgramBranch.from_texts(text, settings.train, examples, texts)
    test, chosen, known = parts(len(products), seed)
    for size in sizes:
        if size > len(known):
            say(f"{size} products are left out: there are {len(known)} to learn from")
            continue
        rows = known[:size]
        say(f"seed {seed}, {size} products")
        began = time.process_time()
        model = branch.restricted_to(rows).solve(rows)
        seconds = time.process_time() - began
        found = branch.restricted_to(rows).logits(model, test).argmax(axis=1)
        yield Reached(BRANCH, size, seed, weighted(labels[test], found), seconds)
        yield _peer(documents, labels, (rows, chosen, test), seed)


def _peer(
    documents: pd.Series, labels: np.ndarray, of: tuple[np.ndarray, ...], seed: int
) -> Reached:
    rows, chosen, test = of
    began = time.process_time()
    tfidf = peers.tfidf()
    inputs = tfidf.fit_transform(documents.iloc[rows])
    shared = time.process_time() - began
    to_choose, to_test = (tfidf.transform(documents.iloc[part]) for part in (chosen, test))
    best = (-1.0, 0.0, 0.0)
    for c in GRID:
        began = time.process_time()
        svc = LinearSVC(C=c, class_weight="balanced").fit(inputs, labels[rows])
        seconds = shared + time.process_time() - began
        reached = weighted(labels[chosen], svc.predict(to_choose))
        if reached > best[0]:
            best = (reached, weighted(labels[test], svc.predict(to_test)), seconds)
    return Reached(PEER, len(rows), seed, *best[1:])


def weighted(labels: np.ndarray, found: np.ndarray) -> float:
    """Weighted F1."""
    return float(f1_score(labels, found, average="weighted"))


def markdown(reached: Iterable[Reached]) -> str:
    """A row for each size, over all seeds."""
    table = pd.DataFrame(reached, columns=Reached._fields)
    lines = [
        f"| products | {BRANCH} | {PEER} | ahead by | processor seconds of a fit | of the peer's |",
        "|" + "---|" * 6,
    ]
    for size, of in table.groupby("size"):
        branch, peer = (of[of["model"] == name].set_index("seed") for name in (BRANCH, PEER))
        cells = [
            f"{size:,}",
            spread(branch["f1"].tolist(), 4),
            spread(peer["f1"].tolist(), 4),
            spread((branch["f1"] - peer["f1"]).tolist(), 4),
            spread(branch["seconds"].tolist(), 0),
            spread(peer["seconds"].tolist(), 0),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.text_by_size", description=(__doc__ or "").split("\n")[0]
    )
    add = parser.add_argument
    add("--data", type=folder, default=RAW, help="folder in the layout of the challenge")
    add("--sizes", type=int, nargs="+", default=[500, 1000, 2000], help="products to learn from")
    add("--seeds", type=int, nargs="+", default=[1, 2, 3], help="of what is drawn")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Print the table."""
    asked = arguments(words)
    set_up(seed=1, threads=1)
    products = read(asked.data)
    reached: list[Reached] = []
    for seed in asked.seeds:
        reached += compared(products, asked.sizes, seed)
        say(f"so far:\n{markdown(reached)}")
    print(markdown(reached))
    return 0


if __name__ == "__main__":
    sys.exit(main())
