"""Write the model card from the figures of this run.

Reads models/classifier, the metrics of `prepare`, `fuse` and `evaluate` and the test part; writes
metrics/model_card.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd

from serving.classifier import manifest
from serving.classifier.classifier import Classifier
from serving.classifier.explaining import explain
from serving.classifier.prediction import Prediction, Product
from serving.listing.text import normalise_listing
from stages.common.paths import ARCHIVE, CLASSIFIER, EVALUATION, METRICS
from stages.common.products import read_part
from stages.common.settings import SampleData, Settings, load
from stages.evaluation.answers import in_chunks
from stages.evaluation.examples import Example, first_of_each_kind
from stages.evaluation.model_card import Facts, model_card
from stages.evaluation.tables import read_table
from stages.pictures.archive import PictureArchive

CARD = METRICS / "model_card.md"

_LOOKED_AT = 1000
"""Test products among which the examples are looked for: enough, and bounded on a large set."""


def seeds(settings: Settings, trained: dict[str, Any]) -> dict[str, int]:
    """Every seed of the run; that of training as the manifest has it."""
    drawn = {"data.seed": settings.data.seed} if isinstance(settings.data, SampleData) else {}
    return {**drawn, "prepare.seed": settings.prepare.seed, "train.seed": trained["seed"]}


def options(settings: Settings, parameters: dict[str, Any]) -> str:
    """The groups of conf/ that were chosen, as `dvc exp run` takes them."""
    chosen = {
        "data": settings.data.source,
        "taxonomy": settings.taxonomy.source,
        "text": parameters["text"]["model"],
        "language": parameters["language"]["model"],
        "image": parameters["image"]["model"],
        "fusion": parameters["fusion"]["method"],
    }
    return " ".join(f"-S {group}={option}" for group, option in chosen.items())


def examples(
    products: pd.DataFrame, archive: PictureArchive, classifier: Classifier, chunk: int
) -> dict[str, Example | None]:
    """The products the card shows, explained."""

    def answered() -> Iterator[tuple[Any, Product, Prediction]]:
        for rows, given in in_chunks(products.head(_LOOKED_AT), archive, chunk, "describe"):
            yield from zip(rows.itertuples(), given, classifier.predict(given), strict=True)

    return {
        kind: _explained(*chosen, classifier) if chosen else None
        for kind, chosen in first_of_each_kind(answered()).items()
    }


def _explained(row: Any, product: Product, classifier: Classifier) -> Example | None:
    prediction, explanation = explain(classifier, product)
    if explanation is None:
        return None
    text = normalise_listing(row.designation, row.description)
    return Example(text, row.prdtypecode, prediction, explanation)


def describe() -> None:
    """Run the stage."""
    settings = load()
    products = read_part("test")
    codes = read_table(EVALUATION / "codes.csv")
    confusion = read_table(EVALUATION / "confusion.csv")
    with PictureArchive(ARCHIVE) as archive, Classifier.load(CLASSIFIER) as classifier:
        parameters = classifier.manifest["parameters"]
        names = dict(zip(map(str, classifier.codes), codes["code"], strict=True))
        facts = Facts(
            identity=manifest.sha256(CLASSIFIER / manifest.NAME),
            manifest=classifier.manifest,
            source=settings.data.origin,
            options=options(settings, parameters),
            synthetic=isinstance(settings.data, SampleData),
            seeds=seeds(settings, parameters["train"]),
            data=json.loads((METRICS / "data.json").read_text(encoding="utf-8")),
            evaluation=json.loads((METRICS / "evaluation.json").read_text(encoding="utf-8")),
            labels=classifier.labels,
            codes=codes,
            confusion=confusion.assign(group=products["group"].to_numpy()),
            reliability=read_table(EVALUATION / "reliability.csv"),
            acceptance=settings.evaluate.acceptance,
            thresholds=classifier.fusion.thresholds,
            own={
                state: {names[code]: least for code, least in of_codes.items()}
                for state, of_codes in classifier.fusion.code_thresholds.items()
            },
            fusion=json.loads((METRICS / "fusion.json").read_text(encoding="utf-8")),
            examples=examples(products, archive, classifier, settings.predict.chunk),
        )
    CARD.write_text(model_card(facts), encoding="utf-8")
    print(f"{CARD} written")
