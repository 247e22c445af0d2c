"""Do labels in the order of review teach more than labels by chance? `make bench-review`.

A branch of n-grams learns from a few products; all others are answered by it, and it is asked for
the labels of some, those that a rule shows first. It learns again, and so on; each time it is
scored on products that are never asked about. Rules order what is not accepted, near-duplicates
last; they are held against chance. Of another catalogue:

    python -m tests.benchmarks.review_order --data ../rakuten --seeds 1 2 3

A fifth of the products, by near-duplicate group, is set apart: figures are reported on it, and
rules are chosen without it (--choosing), on other products and other draws. Products are those with
text; pictures are not looked at. Progress goes to standard error, the table to standard output.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.isotonic import isotonic_regression

from serving.encoding.encoders import pad
from serving.encoding.ngrams import grams
from serving.review import order
from stages.common.folds import folds
from stages.common.keras_setup import set_up
from stages.common.paths import RAW
from stages.common.products import columns
from stages.common.settings import Ngrams, Settings, load
from stages.fusion.acceptance import acceptance_threshold
from stages.preparation.split import near_duplicate_groups, split
from stages.text.ngrams import NgramBranch
from stages.text.texts import with_texts
from stages.training.branch import PREDICT_BATCH, Examples
from tests.benchmarks.quality import folder, say
from tests.benchmarks.text_by_size import read, weighted
from tests.support.rakuten import CODES

RULE = "smallest margin, codes in turns"
"""That of serving/review/order.py."""

CHANCE_OF_ALL, CHANCE_OF_QUEUE = "chance, of all products", "chance, of those not accepted"

APART, APART_SEED = 0.2, 20
"""Share of the products that are set apart for the reported figures, and how they are drawn."""

HELD_OUT = 0.2
"""Share of the others that are held out when a rule is chosen."""

FOLDS = 5  # in which the first products are held out, to prove from where on answers are accepted
BEST = 5  # codes that are kept of an answer that waits


class Queue(NamedTuple):
    """What waits: probabilities float [n, codes], near-duplicate groups int [n]; of each code that
    was answered, how many were shown in earlier rounds, int [codes]; and chance."""

    p: np.ndarray
    groups: np.ndarray
    before: np.ndarray
    chance: np.random.Generator

    @property
    def best(self) -> np.ndarray:
        """The probabilities that are kept, the largest first, float [n, BEST]."""
        return -np.sort(-self.p, axis=1)[:, :BEST]


Rule = Callable[[Queue], np.ndarray]
"""Gives the numbers of what waits, int [n], in the order in which it is shown."""


@dataclass(frozen=True)
class _Probable:
    confidence: float


@dataclass(frozen=True)
class _Answer:
    number: int
    product: str
    time: str
    answered: int
    predictions: tuple[_Probable, ...]
    near_duplicates: str


def service_order(queue: Queue) -> np.ndarray:
    """The order of the service."""
    answers = [
        _Answer(
            number, f"{number:08}", "", int(code), tuple(map(_Probable, best.tolist())), str(group)
        )
        for number, (code, best, group) in enumerate(
            zip(queue.p.argmax(axis=1), queue.best, queue.groups, strict=True)
        )
    ]
    return np.array([answer.number for answer in order.ordered(answers)], int)


def confidence(queue: Queue) -> np.ndarray:
    """How sure the best code is."""
    return queue.best[:, 0]


def margin(queue: Queue) -> np.ndarray:
    """How much surer it is than the second."""
    return queue.best[:, 0] - queue.best[:, 1]


def negative_entropy(queue: Queue) -> np.ndarray:
    """Of what is kept, all other codes taken as one."""
    rest = np.maximum(1 - queue.best.sum(axis=1, keepdims=True), 0)
    p = np.hstack([queue.best, rest])
    return (p * np.log(np.maximum(p, 1e-12))).sum(axis=1)


def drawn_by_margin(queue: Queue) -> np.ndarray:
    """Drawn by chance without replacement, the smaller the margin the likelier (Efraimidis and
    Spirakis, 2006, "Weighted random sampling with a reservoir")."""
    weight = np.maximum(1 - margin(queue), 1e-3) ** 2
    return -np.log(queue.chance.random(len(weight))) / weight


def chance(queue: Queue) -> np.ndarray:
    """By nothing."""
    return queue.chance.random(len(queue.p))


def surest_last(
    key: Callable[[Queue], np.ndarray], turns: float | None = None, *, remembered: bool = False
) -> Rule:
    """In the order of `key`, one of each near-duplicate group before the others.

    With `turns`, by the place in the predicted code, divided by the code's answers to that power:
    0 has codes take turns, 1 gives each code its share. What was shown in earlier rounds counts
    where it is `remembered`.
    """

    def rule(queue: Queue) -> np.ndarray:
        by_key = np.argsort(key(queue), kind="stable")
        first = np.zeros(len(by_key), bool)
        first[np.unique(queue.groups[by_key], return_index=True)[1]] = True
        shown = np.concatenate([by_key[first], by_key[~first]])
        if turns is None:
            return shown
        codes = queue.p.argmax(axis=1)
        before = queue.before if remembered else np.zeros_like(queue.before)
        had = Counter(dict(enumerate(before.tolist())))
        sizes = before + np.bincount(codes, minlength=len(before))
        places = np.zeros(len(shown))
        for place, code in enumerate(codes[shown].tolist()):
            places[place] = (had[code] + 0.5) / sizes[code] ** turns
            had[code] += 1
        return shown[np.argsort(places, kind="stable")]

    return rule


RULES: dict[str, Rule] = {
    CHANCE_OF_ALL: surest_last(chance),
    CHANCE_OF_QUEUE: surest_last(chance),
    "least confidence": surest_last(confidence),
    "smallest margin": surest_last(margin),
    "largest entropy": surest_last(negative_entropy),
    "chance, codes in turns": surest_last(chance, 0),
    "least confidence, codes in turns": surest_last(confidence, 0),
    RULE: service_order,
    "smallest margin, codes by the root of their answers": surest_last(margin, 0.5),
    "smallest margin, codes by their answers": surest_last(margin, 1),
    "smallest margin, codes by their answers, in all rounds": surest_last(
        margin, 1, remembered=True
    ),
    "largest entropy, codes by their answers": surest_last(negative_entropy, 1),
    "drawn by margin, codes in turns": surest_last(drawn_by_margin, 0),
}


class Curve(NamedTuple):
    """Weighted F1 by one rule in one draw, with the first products alone and after each round; the
    shares of the answers that were not accepted, and of the shown ones that were wrong."""

    rule: str
    seed: int
    f1: tuple[float, ...]
    waiting: float
    wrong: float


class Plan(NamedTuple):
    """Products that are learnt from first, labels in a round, rounds; the share of wrong answers
    that a reviewer lets stand."""

    start: int
    step: int
    rounds: int
    slips: float


class Shop:
    """The products of a catalogue with text, and the branch that learns from some of them."""

    def __init__(self, products: pd.DataFrame, settings: Settings) -> None:
        assert isinstance(settings.text, Ngrams)
        self._settings, self._train = settings.text, settings.train
        self._evaluate = settings.evaluate
        products, texts = with_texts(products)
        self.labels = columns(products, CODES)
        no_pictures = pd.Series([""] * len(products))
        self.groups = near_duplicate_groups(products["designation"], no_pictures)
        parts = split(
            products["prdtypecode"], self.groups, validation=0, test=APART, seed=APART_SEED
        )
        self.apart = parts.part == "test"
        self._grams = [grams(text, self._settings.bits) for text in texts]

    def learnt(self, rows: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Learn from products `rows` with these labels, and from nothing else; what is returned
        gives the probabilities of other products, float64 [k, codes]."""
        numbers, known = np.arange(len(rows)), [self._grams[row] for row in rows.tolist()]
        examples = Examples(rows, labels, numbers, np.zeros(len(rows), bool), len(CODES))
        branch = NgramBranch(self._settings, self._train, examples, known)
        model = branch.solve(numbers)

        def probabilities(asked: np.ndarray) -> np.ndarray:
            logits = [
                np.asarray(
                    model(
                        pad([branch.encoder.row(self._grams[row]) for row in batch.tolist()]),
                        training=False,
                    ),
                    float,
                )
                for batch in np.split(asked, range(PREDICT_BATCH, len(asked), PREDICT_BATCH))
            ]
            raised = np.exp(np.concatenate(logits))
            return raised / raised.sum(axis=1, keepdims=True)

        return probabilities

    def threshold(self, rows: np.ndarray, seed: int) -> float:
        """From which confidence on answers are accepted, by products `rows` held out in folds."""
        labels, groups = self.labels[rows], self.groups[rows]
        fold = folds(labels, groups, FOLDS, seed)
        p = np.zeros((len(rows), len(CODES)))
        for number in range(FOLDS):
            others = fold != number
            p[~others] = self.learnt(rows[others], labels[others])(rows[~others])
        right = p.argmax(axis=1) == labels
        asked = self._evaluate.precision, self._evaluate.certainty
        return acceptance_threshold(p.max(axis=1), right, groups, *asked)

    def drawn(self, seed: int, *, choosing: bool) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the products to learn from or ask about, in random order but groups whole, and
        of those held out."""
        groups = np.random.default_rng(seed).permutation(self.groups.max() + 1)
        place = np.argsort(groups)[self.groups]
        everything = np.argsort(place, kind="stable")
        rest = everything[~self.apart[everything]]
        if not choosing:
            return rest, np.flatnonzero(self.apart)
        until = round(HELD_OUT * len(rest))
        held_out = np.isin(self.groups, self.groups[rest[:until]])
        return rest[~held_out[rest]], rest[held_out[rest]]


def curves(
    shop: Shop, rules: Iterable[str], seed: int, plan: Plan, *, choosing: bool
) -> Iterator[Curve]:
    """Ask by every rule, from the same first products."""
    known, held_out = shop.drawn(seed, choosing=choosing)
    first, others = known[: plan.start], known[plan.start :]
    threshold = shop.threshold(first, seed)
    begun = shop.learnt(first, shop.labels[first])
    say(f"seed {seed}: {len(first)} products first, {len(others)} to ask about, {len(held_out)}")
    for name in rules:
        random = np.random.default_rng(seed)
        answer, rows, labels, pool = begun, first, shop.labels[first], others
        f1 = [weighted(shop.labels[held_out], begun(held_out).argmax(axis=1))]
        waiting, wrong, before = [], [], np.zeros(len(CODES), int)
        for _ in range(plan.rounds):
            p = answer(pool)
            accepted = p.max(axis=1) >= threshold
            waiting.append(1 - accepted.mean())
            asked = np.arange(len(pool)) if name == CHANCE_OF_ALL else np.flatnonzero(~accepted)
            queue = Queue(p[asked], shop.groups[pool[asked]], before, random)
            shown = asked[RULES[name](queue)[: plan.step]]
            answered, right = p[shown].argmax(axis=1), shop.labels[pool[shown]]
            wrong.append(np.mean(answered != right))
            before = before + np.bincount(answered, minlength=len(CODES))
            slips = random.random(len(shown)) < plan.slips
            rows = np.concatenate([rows, pool[shown]])
            labels = np.concatenate([labels, np.where(slips, answered, right)])
            pool = np.delete(pool, shown)
            answer = shop.learnt(rows, labels)
            f1.append(weighted(shop.labels[held_out], answer(held_out).argmax(axis=1)))
        yield Curve(name, seed, tuple(f1), float(np.mean(waiting)), float(np.mean(wrong)))


def needed(f1: Sequence[float], reached: Sequence[float]) -> float:
    """The labels until the F1 that another curve ends with, in shares of that curve's labels.

    Curves are made to grow first (isotonic regression), so that no round decides by its luck.
    Infinite where a curve does not get there.
    """
    growing = isotonic_regression(np.array(f1))
    target = isotonic_regression(np.array(reached))[-1]
    if growing[-1] < target:
        return float("inf")
    after = int(np.argmax(growing >= target))
    if after == 0:
        return 0.0
    low, high = growing[after - 1 : after + 1]
    return float(after - 1 + (target - low) / (high - low)) / (len(reached) - 1)


def markdown(found: Sequence[Curve], step: int) -> str:
    """A row for each rule: means, and medians with the least and the most over all draws."""
    rounds = len(found[0].f1) - 1
    half = rounds // 2
    lines = [
        f"| order | F1 after {half * step:,} labels | after {rounds * step:,} | ahead of chance "
        "| labels to the F1 of chance, of all | of those not accepted | wrong of those shown |",
        "|" + "---|" * 7,
    ]
    reference = {(curve.rule, curve.seed): curve.f1 for curve in found}
    for rule in dict.fromkeys(curve.rule for curve in found):
        of = [curve for curve in found if curve.rule == rule]
        f1 = np.array([curve.f1 for curve in of])
        cells = [rule, f"{f1[:, half].mean():.3f}", f"{f1[:, -1].mean():.3f}"]
        chances = [reference.get((CHANCE_OF_QUEUE, curve.seed)) for curve in of]
        ahead = [
            np.mean(curve.f1[1:]) - np.mean(other[1:])
            for curve, other in zip(of, chances, strict=True)
            if other
        ]
        cells.append(f"{np.mean(ahead):+.4f} ± {np.std(ahead):.4f}" if ahead else "–")
        for name in (CHANCE_OF_ALL, CHANCE_OF_QUEUE):
            shares = [
                needed(curve.f1, reference[name, curve.seed])
                for curve in of
                if (name, curve.seed) in reference
            ]
            cells.append(_median(shares) if name != rule and shares else "–")
        cells.append(f"{np.mean([curve.wrong for curve in of]):.2f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _median(shares: Sequence[float]) -> str:
    """With the least and the most; what is not reached is more than all labels."""
    median, least, most = (
        "more" if np.isinf(share) else f"{share:.2f}"
        for share in (float(np.median(shares)), min(shares), max(shares))
    )
    return f"{median} ({least} to {most})"


def draw(found: Sequence[Curve], step: int, path: Path) -> None:
    """F1 against labels, mean and standard deviation over all draws."""
    figure = Figure((7.0, 4.5), dpi=100, layout="constrained")
    axes = figure.subplots()
    styles = {RULE: "-", CHANCE_OF_QUEUE: "--", CHANCE_OF_ALL: ":"}
    for rule in sorted({curve.rule for curve in found}, key=lambda name: list(RULES).index(name)):
        f1 = np.array([curve.f1 for curve in found if curve.rule == rule])
        labels = np.arange(f1.shape[1]) * step
        mean, spread = f1.mean(axis=0), f1.std(axis=0)
        name = f"{rule} (the service)" if rule == RULE else rule
        (line,) = axes.plot(labels, mean, styles.get(rule, "-."), label=name)
        axes.fill_between(labels, mean - spread, mean + spread, alpha=0.15, color=line.get_color())
    draws = len({curve.seed for curve in found})
    axes.set(
        xlabel="labels that reviewers gave",
        ylabel="weighted F1 on products held out",
        title=f"By the order of review: mean ± standard deviation of {draws} draws",
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.review_order", description=(__doc__ or "").split("\n")[0]
    )
    add = parser.add_argument
    add("--data", type=folder, default=RAW, help="folder in the layout of the challenge")
    add("--products", type=int, help="of the catalogue, drawn by chance; all by default")
    add("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5], help="of what is drawn")
    add("--rules", nargs="+", choices=list(RULES), help="by default the service's, and chance")
    add("--choosing", action="store_true", help="all rules, without the products set apart")
    add("--start", type=int, default=1000, help="products that are learnt from first")
    add("--step", type=int, default=200, help="labels in a round")
    add("--rounds", type=int, default=5)
    add(
        "--slips", type=float, default=0, help="share of the wrong answers that reviewers let stand"
    )
    add("--plot", type=Path, help="where the curves are drawn (PNG)")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Print the table."""
    asked = arguments(words)
    set_up(seed=1, threads=1)
    products = read(asked.data)
    if asked.products is not None:
        products = products.sample(asked.products, random_state=1, ignore_index=True)
    shop = Shop(products, load())
    plan = Plan(asked.start, asked.step, asked.rounds, asked.slips)
    usual = list(RULES) if asked.choosing else [CHANCE_OF_ALL, CHANCE_OF_QUEUE, RULE]
    found: list[Curve] = []
    for seed in asked.seeds:
        for curve in curves(shop, asked.rules or usual, seed, plan, choosing=asked.choosing):
            found.append(curve)
            f1 = " ".join(f"{value:.4f}" for value in curve.f1)
            say(f"{curve.rule}: {f1} ({curve.waiting:.2f} not accepted)")
        say(f"so far:\n{markdown(found, plan.step)}")
        if asked.plot is not None:
            draw(found, plan.step, asked.plot)
    print(markdown(found, plan.step))
    return 0


if __name__ == "__main__":
    sys.exit(main())
