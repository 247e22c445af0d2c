"""Measure the exported classifier on the test products, through the code that serves it.

Reads models/classifier and the test part; writes metrics/evaluation.json and the plots in
metrics/evaluation. How long an answer takes is no part of the result: it is measured by
stages.commands.results.summary.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_fscore_support

from serving.classifier.classifier import Classifier
from serving.classifier.fusion import states
from serving.listing.labels import Labels, described
from stages.common.output import write_json
from stages.common.paths import ARCHIVE, CLASSIFIER, EVALUATION, METRICS
from stages.common.products import columns, read_part
from stages.common.settings import load
from stages.evaluation.answers import in_chunks, unreadable_pictures
from stages.evaluation.confusions import confusions
from stages.evaluation.level_scores import level_scores
from stages.evaluation.scores import (
    acceptance,
    coverage_at,
    coverage_curve,
    reliability,
    scores,
)
from stages.pictures.archive import PictureArchive


def evaluate() -> None:
    """Run the stage."""
    settings = load()
    products = read_part("test")
    with PictureArchive(ARCHIVE) as archive, Classifier.load(CLASSIFIER) as classifier:
        chunks = in_chunks(products, archive, settings.predict.chunk, "evaluate")
        parts = [classifier.logits(chunk) for _, chunk in chunks]
    labels = columns(products, classifier.codes)
    has_text = np.concatenate([part.has_text for part in parts])
    has_image = np.concatenate([part.has_image for part in parts])
    logits = {
        branch: np.concatenate([part.branches[branch] for part in parts])
        for branch in parts[0].branches
    }

    def ask(use_text: np.ndarray, use_image: np.ndarray) -> np.ndarray:
        return classifier.fusion.probabilities(logits, use_text, use_image)

    unreadable = unreadable_pictures(classifier, products["picture"].tolist(), has_image)
    if unreadable:
        print(f"{unreadable} pictures cannot be read: their products are answered without")
    nothing = np.zeros_like(has_text)
    both = has_text & has_image
    p = ask(has_text, has_image)
    p_text, p_image = ask(has_text, nothing), ask(nothing, has_image)
    bins = settings.evaluate.bins
    answered, confidence = p.argmax(axis=1), p.max(axis=1)
    right = answered == labels
    state, groups = states(has_text, has_image), products["group"].to_numpy()
    accepted = classifier.fusion.accepted(confidence, state, answered)
    of_levels = level_scores(classifier.levels, classifier.fusion, p, labels, state, groups)
    write_json(
        METRICS / "evaluation.json",
        {
            **scores(p, labels, bins),
            "unreadable_pictures": unreadable,
            "text_only": scores(p_text[has_text], labels[has_text], bins),
            "image_only": scores(p_image[has_image], labels[has_image], bins),
            "both": {
                **scores(p[both], labels[both], bins),
                "text_alone_weighted_f1": scores(p_text[both], labels[both], bins).get(
                    "weighted_f1"
                ),
                "image_alone_weighted_f1": scores(p_image[both], labels[both], bins).get(
                    "weighted_f1"
                ),
            },
            "accepted": {
                "asked_precision": settings.evaluate.precision,
                "certainty": settings.evaluate.certainty,
                **acceptance(right, accepted, groups),
                "states": {
                    name: acceptance(right[rows], accepted[rows], groups[rows])
                    for name in classifier.fusion.blends
                    for rows in [state == name]
                },
            },
            **({"levels": of_levels} if of_levels else {}),
            "coverage_at": {
                str(percent): coverage_at(confidence, right, percent / 100)
                for percent in (90, 95, 98)
            },
        },
    )
    write_plots(p, labels, accepted, classifier.labels, bins)
    codes = [described(code, label) for code, label in classifier.labels.items()]
    write_json(
        EVALUATION / "confused.json",
        confusions(labels, answered, codes, products["designation"]),
    )


def write_plots(
    p: np.ndarray, labels: np.ndarray, accepted: np.ndarray, codes: Labels, bins: int
) -> None:
    """What `dvc plots` draws: confusion, score for each code, reliability, coverage."""
    EVALUATION.mkdir(parents=True, exist_ok=True)
    names = [described(code, label) for code, label in codes.items()]
    predicted = p.argmax(axis=1)
    pd.DataFrame(
        {
            "actual": [names[i] for i in labels],
            "predicted": [names[i] for i in predicted],
            "accepted": accepted,
        }
    ).to_csv(EVALUATION / "confusion.csv", index=False)
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(codes)), zero_division=0
    )
    pd.DataFrame(
        {"code": names, "f1": f1, "precision": precision, "recall": recall, "support": support}
    ).round(4).to_csv(EVALUATION / "codes.csv", index=False)
    confidence, right = p.max(axis=1), predicted == labels
    pd.DataFrame(reliability(confidence, right, bins)).round(4).to_csv(
        EVALUATION / "reliability.csv", index=False
    )
    coverage, reached = coverage_curve(confidence, right)
    step = max(len(coverage) // 200, 1)
    pd.DataFrame({"coverage": coverage, "precision": reached})[::step].round(4).to_csv(
        EVALUATION / "coverage.csv", index=False
    )
