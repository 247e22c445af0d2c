"""Every option of the pipeline beside its peers, on the same products: `make bench-quality`.

Peers and pipeline are trained on train and validation and scored on the test products of one split:
that of the repository's last pipeline run; or, with --seeds, of several splits of its catalogue;
or, with --data, of another catalogue:

    python -m tests.benchmarks.quality --data ../rakuten --weights ../weights/mobilenet.h5 \
        --seeds 1 2 3

Nothing in the repository is written: stages run in temporary workspaces. Progress goes to standard
error, the table to standard output.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml

from tests.benchmarks import peers
from tests.benchmarks.combinations import CONF, Combinations, StageError
from tests.benchmarks.table import FIGURES, Row, markdown
from tests.support.repository import ROOT

KINDS = ("peers", "text", "image", "fused")


class Plan(NamedTuple):
    """One combination: what it is called, its overrides, which rows of the table it gives."""

    name: str
    overrides: tuple[str, ...]
    kind: str


def options(group: str) -> dict[str, dict[str, Any]]:
    """The options of a group in conf/ that are a model, by name."""
    found = {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted((CONF / group).glob("*.yaml"))
    }
    return {name: option for name, option in found.items() if option["model"] != "none"}


def plans(kinds: Sequence[str], weights: dict[str, str | None]) -> Iterator[Plan]:
    """All combinations that can run; those that cannot are named on standard error.

    `weights`: what `image.weights` is for each pretrained network at hand; None are random ones.
    """
    if "text" in kinds:
        for name in options("text"):
            yield Plan(f"text={name}", (f"text={name}", "image=none"), "text")
    if not {"image", "fused"} & set(kinds):
        return
    pictures: dict[str, tuple[str, ...]] = {}
    for name, option in options("image").items():
        model = option["model"]
        if option["weights"] != "imagenet":  # from scratch, or by an installed package
            pictures[name] = (f"image={name}",)
        elif model in weights:
            stated = "null" if weights[model] is None else f"'{weights[model]}'"
            pictures[name] = (f"image={name}", f"image.weights={stated}")
        else:
            say(f"image={name} is left out: no weights of {model} at hand (see --help)")
    if "image" in kinds:
        for name, chosen in pictures.items():
            yield Plan(named(f"image={name}", chosen), ("text=none", *chosen), "image")
    if "fused" in kinds:
        usual = default("image")
        if usual in pictures:
            yield Plan(named("the defaults", pictures[usual]), pictures[usual], "fused")
        if "mobilenet" in pictures and usual != "mobilenet":
            chosen = pictures["mobilenet"]
            yield Plan(named("the defaults, image=mobilenet", chosen), chosen, "fused")
        if "vgg16" in pictures:
            original = ("text=lstm", "fusion=weighted", *pictures["vgg16"])
            yield Plan(named("text=lstm image=vgg16 fusion=weighted", original), original, "fused")


def named(name: str, overrides: tuple[str, ...]) -> str:
    """The name, with a word of warning for a network that never saw a picture."""
    return f"{name}, random weights" if "image.weights=null" in overrides else name


def default(group: str) -> str:
    """The option that conf/config.yaml takes."""
    config = yaml.safe_load((CONF / "config.yaml").read_text(encoding="utf-8"))
    return next(entry[group] for entry in config["defaults"] if group in entry)


def rows(plan: Plan, figures: dict[str, Any], seconds: dict[str, float]) -> Iterator[Row]:
    """What metrics/evaluation.json says of a combination; `seconds` of each of its stages."""

    def row(on: str, of: dict[str, Any], stages: tuple[str, ...], **more: float) -> Row:
        known = {name: of[name] for name in FIGURES if name in of}
        spent = sum(seconds[stage] for stage in stages) if stages else None
        return Row(plan.name, on, of["products"], {**known, **more}, spent)

    covered = figures["coverage_at"]["95"]
    if plan.kind == "fused":
        yield row("all", figures, ("images", "train_text", "train_image", "fuse"), coverage=covered)
        both = figures["both"]
        if both["products"]:
            yield row("with both", both, ())
            for branch, key in (("text", "text_alone"), ("picture", "image_alone")):
                figure = {"weighted_f1": both[f"{key}_weighted_f1"]}
                name = f"{plan.name}: {branch} alone"
                yield Row(name, "with both", both["products"], figure, None)
        return
    on, key = "with text", "text_only"
    stages: tuple[str, ...] = ("train_text",)
    if plan.kind == "image":
        on, key, stages = "with picture", "image_only", ("images", "train_image")
    of = figures[key]
    if of["products"]:
        # Products without the one modality are answered with the prior, the least sure answer of
        # all: they are never among the covered ones, so the share is one of `of` alone.
        yield row(on, of, stages, coverage=covered * figures["products"] / of["products"])


def pipeline_rows(runs: Combinations, plan: Plan, seed: int) -> Iterator[Row]:
    """Run the pipeline for one combination and split."""
    workspace, seconds = runs.run("evaluate", with_seed(runs.params(plan.overrides), seed))
    figures = json.loads((workspace / "metrics/evaluation.json").read_text(encoding="utf-8"))
    yield from rows(plan, figures, seconds)


def with_seed(params: dict[str, Any], seed: int) -> dict[str, Any]:
    """The same parameters for the split of `seed`."""
    return {**params, "prepare": {**params["prepare"], "seed": seed}}


class Peers:
    """The peers, with the pictures' features made once for all splits."""

    def __init__(self, weights: str | None) -> None:
        self._weights = weights
        self._pictures: peers.Pictures | None = None
        if weights is None:
            say(
                "the peers with pictures are left out: no weights of mobilenet at hand (see --help)"
            )

    def rows(self, runs: Combinations, seed: int) -> Iterator[Row]:
        """Train and score them on one split."""
        params = with_seed(runs.params([]), seed)
        workspace, _ = runs.run("prepare", params)
        train, validation, test = (
            pd.read_parquet(workspace / f"data/prepared/{part}.parquet")
            for part in ("train", "validation", "test")
        )
        known = pd.concat([train, validation], ignore_index=True)
        bins = params["evaluate"]["bins"]
        yield from peers.text_peers(known, test, bins)
        if self._weights is not None:
            if self._pictures is None:
                archive = workspace / "data/raw/images.zip"
                self._pictures = peers.read_pictures(archive, self._weights)
            yield from peers.image_peers(known, test, self._pictures, bins)
            yield from peers.fused_peer(train, validation, test, self._pictures, bins)


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.quality", description=(__doc__ or "").split("\n")[0]
    )
    add = parser.add_argument
    add("--data", type=folder, help="folder of another catalogue, in the layout of the challenge")
    add("--seeds", type=int, nargs="+", help="of the splits; without it, the one of prepare.seed")
    add("--only", nargs="+", choices=KINDS, default=KINDS, help="which rows")
    add("--weights", type=pretrained, help="MobileNet's: the path of a .h5 file, or imagenet")
    add("--vgg16-weights", type=pretrained, help="VGG16's, likewise; imagenet is downloaded")
    add("--slow", action="store_true", help="VGG16 too, with random weights if none are named")
    return parser.parse_args(words)


def folder(path: str) -> Path:
    """An existing folder, absolute."""
    if not Path(path).is_dir():
        raise argparse.ArgumentTypeError(f"{path!r} is no folder")
    return Path(path).resolve()


def pretrained(named: str) -> str:
    """`imagenet`, or the absolute path of an existing file."""
    if named != "imagenet" and not Path(named).is_file():
        raise argparse.ArgumentTypeError(f"{named!r} is no file; expected a .h5 file or imagenet")
    return named if named == "imagenet" else str(Path(named).resolve())


def known_weights(asked: argparse.Namespace, image: dict[str, Any]) -> dict[str, str | None]:
    """What `image.weights` is for each pretrained network at hand: those that were asked for, else
    those of the repository's last run; None are random ones."""
    weights: dict[str, str | None] = {"vgg16": None} if asked.slow else {}
    if image["weights"] is not None:
        weights[image["model"]] = image["weights"]
    asked_for = {"mobilenet": asked.weights, "vgg16": asked.vgg16_weights}
    weights.update({model: value for model, value in asked_for.items() if value is not None})
    return weights


def shown(row: Row) -> str:
    """A row for those who wait."""
    figures = " ".join(f"{name} {value:.3f}" for name, value in row.figures.items())
    return f"{row.model}, {row.products} {row.on}: {figures}"


def say(words: str) -> None:
    """Progress."""
    print(words, file=sys.stderr, flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """Print the table; exit status 1 when a row is missing because of an error."""
    asked = arguments(words)
    stored = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    weights = known_weights(asked, stored["image"])
    common: list[str] = []
    sections: dict[str, Any] = {}
    if asked.data is not None:
        common = ["data=folder", f"data.path='{asked.data}'"]
    else:
        sections = {name: stored[name] for name in ("data", "prepare")}

    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bench-quality-") as scratch:
        runs = Combinations(Path(scratch), common, sections)
        try:
            if asked.data is None:
                runs.know("ingest", ROOT, stored)
                runs.know("prepare", ROOT, stored)
            seeds = asked.seeds or [runs.params([])["prepare"]["seed"]]
            table, failures = compare(runs, seeds, asked.only, weights)
        except (FileNotFoundError, StageError) as error:
            say(f"error: {error}")
            return 1
    say(f"{time.perf_counter() - started:.0f} s in all")
    print(markdown(table))
    for failure in failures:
        say(f"error: {failure}")
    return int(bool(failures))


def compare(
    runs: Combinations,
    seeds: Sequence[int],
    kinds: Sequence[str],
    weights: dict[str, str | None],
) -> tuple[list[Row], list[str]]:
    """The rows of all splits, and what went wrong with those that are missing.

    Raises StageError when there is no split to compare on.
    """
    combinations = list(plans(kinds, weights))
    compared = Peers(weights.get("mobilenet")) if "peers" in kinds else None
    table: list[Row] = []
    failures: list[str] = []

    def keep(row: Row) -> None:
        say(f"  {shown(row)}")
        table.append(row)

    for seed in seeds:
        say(f"split {seed}")
        runs.run("prepare", with_seed(runs.params([]), seed))
        for row in compared.rows(runs, seed) if compared else ():
            keep(row)
        for plan in combinations:
            say(plan.name)
            try:
                for row in pipeline_rows(runs, plan, seed):
                    keep(row)
            except StageError as error:
                failures.append(f"split {seed}, {plan.name}: {error}")
                say(failures[-1])
    return table, failures


if __name__ == "__main__":
    sys.exit(main())
