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
from tests.benchmarks.combinations import CONF, ROOT, Combinations, StageError
from tests.benchmarks.table import FIGURES, Row, markdown

KINDS = ("peers", "text", "image", "fused")
ORIGINAL = ("text=lstm", "image=vgg16", "fusion=weighted")


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

    `weights`: what `image.weights` is for each pretrained network; a network that is not there has
    none at hand.
    """
    if "text" in kinds:
        for name in options("text"):
            yield Plan(f"text={name}", (f"text={name}", "image=none"), "text")
    if not {"image", "fused"} & set(kinds):
        return
    pictures: dict[str, tuple[str, ...]] = {}
    for name, option in options("image").items():
        if option["weights"] is None:
            pictures[name] = (f"image={name}",)
        elif option["model"] in weights:
            stated = weights[option["model"]]
            value = "null" if stated is None else f"'{stated}'"
            pictures[name] = (f"image={name}", f"image.weights={value}")
        else:
            say(f"image={name} is left out: no weights of {option['model']} at hand (see --help)")
    if "image" in kinds:
        for name, chosen in pictures.items():
            unlearnt = "image.weights=null" in chosen
            shown = f"image={name}" + (", random weights" if unlearnt else "")
            yield Plan(shown, ("text=none", *chosen), "image")
    if "fused" in kinds:
        yield Plan("the defaults", (), "fused")
        if "mobilenet" in pictures:
            yield Plan("the defaults, image=mobilenet", pictures["mobilenet"], "fused")
        if "vgg16" in pictures:
            chosen = tuple(sorted({*ORIGINAL, *pictures["vgg16"]}))
            yield Plan("the original pair: " + " ".join(ORIGINAL), chosen, "fused")


def rows(plan: Plan, figures: dict[str, Any], seconds: dict[str, float]) -> Iterator[Row]:
    """What metrics/evaluation.json says of a combination; `seconds` of each of its stages."""

    def row(name: str, on: str, of: dict[str, Any], spent: float | None, **more: float) -> Row:
        known = {key: of[key] for key in FIGURES if key in of}
        return Row(name, on, of["products"], {**known, **more}, spent)

    def spent(*stages: str) -> float:
        return sum(seconds[stage] for stage in stages)

    covered = figures["coverage_at"]["95"] * figures["products"]
    text, image, both = figures["text_only"], figures["image_only"], figures["both"]
    # Products without the one modality are answered with the prior, the least sure answer of all:
    # they come last in the order of confidence and are never among the covered ones.
    if plan.kind == "text":
        share = covered / text["products"]
        yield row(plan.name, "with text", text, spent("train_text"), coverage=share)
    elif plan.kind == "image":
        share = covered / image["products"]
        seconds_taken = spent("images", "train_image")
        yield row(plan.name, "with picture", image, seconds_taken, coverage=share)
    else:
        taken = spent("images", "train_text", "train_image", "fuse")
        yield row(plan.name, "all", figures, taken, coverage=figures["coverage_at"]["95"])
        if both["products"]:
            yield row(plan.name, "with both", both, None)
            for branch, key in (("text", "text_alone"), ("picture", "image_alone")):
                figure = {"weighted_f1": both[f"{key}_weighted_f1"]}
                name = f"{plan.name}: {branch} alone"
                yield Row(name, "with both", both["products"], figure, None)


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
    add("--data", type=Path, help="folder of another catalogue (conf/data/folder.yaml)")
    add("--seeds", type=int, nargs="+", help="of the splits; without it, the one of prepare.seed")
    add("--only", nargs="+", choices=KINDS, default=KINDS, help="which rows")
    add("--weights", help="MobileNet's: imagenet (downloaded by Keras) or the path of a .h5 file")
    add("--vgg16-weights", help="VGG16's, likewise")
    add("--slow", action="store_true", help="VGG16 too, with random weights if none are named")
    return parser.parse_args(words)


def known_weights(asked: argparse.Namespace, image: dict[str, Any]) -> dict[str, str | None]:
    """What `image.weights` is for each pretrained network at hand: those that were asked for, else
    those of the repository's last run; None are random ones."""
    weights: dict[str, str | None] = {"vgg16": None} if asked.slow else {}
    if image["weights"] is not None:
        weights[image["model"]] = image["weights"]
    for model, named in (("mobilenet", asked.weights), ("vgg16", asked.vgg16_weights)):
        if named is not None:
            weights[model] = named if named == "imagenet" else str(Path(named).resolve())
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
        common = ["data=folder", f"data.path='{asked.data.resolve()}'"]
    else:
        sections = {name: stored[name] for name in ("data", "prepare")}

    table: list[Row] = []
    failed = False
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bench-quality-") as scratch:
        runs = Combinations(Path(scratch), common, sections)
        if asked.data is None:
            runs.know("ingest", ROOT, stored)
            runs.know("prepare", ROOT, stored)
        seeds = asked.seeds or [runs.params([])["prepare"]["seed"]]
        combinations = list(plans(asked.only, weights))
        compared = Peers(weights.get("mobilenet")) if "peers" in asked.only else None
        for seed in seeds:
            say(f"split {seed}")
            if compared:
                for row in compared.rows(runs, seed):
                    say(f"  {shown(row)}")
                    table.append(row)
            for plan in combinations:
                say(plan.name)
                try:
                    of_plan = list(pipeline_rows(runs, plan, seed))
                except StageError as error:
                    say(f"split {seed}, {plan.name}: {error}")
                    failed = True
                    continue
                for row in of_plan:
                    say(f"  {shown(row)}")
                table += of_plan
    say(f"{time.perf_counter() - started:.0f} s in all")
    print(markdown(table))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
