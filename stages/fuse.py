"""Learn the fusion, its calibration and the acceptance thresholds on held-out products.

Reads data/prepared and the held-out logits of both branches; writes models/fusion/fusion.json and
metrics/fusion.json.
"""

from __future__ import annotations

import numpy as np

from serving.classifier.fusion import Blend, Fusion, State
from serving.listing.labels import CODES
from stages.common.folds import folds
from stages.common.held_out import HeldOut
from stages.common.output import write_json
from stages.common.paths import FUSION, HELD_OUT, IMAGE_BRANCH, METRICS, TEXT_BRANCH
from stages.common.products import columns, read_training
from stages.common.settings import load
from stages.fusion import fitting

_ENOUGH = 200
"""Products of exactly one state from which on that state is calibrated on them alone."""
_FOLDS = 5


def aligned(held_out: HeldOut, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The logits for products `rows`, 0 where the branch has none, and bool [n]: where it has."""
    order = np.argsort(held_out.rows, kind="stable")
    place = np.searchsorted(held_out.rows[order], rows)
    place = order[np.minimum(place, len(order) - 1)] if len(order) else place * 0
    has = np.isin(rows, held_out.rows)
    z = np.zeros((len(rows), len(CODES)))
    z[has] = held_out.logits[place[has]]
    return z, has


def fuse() -> None:
    """Run the stage."""
    settings = load()
    method, precision = settings.fusion.method, settings.evaluate.precision
    products = read_training()
    text, has_text = aligned(HeldOut.read(TEXT_BRANCH / HELD_OUT), products["id"].to_numpy())
    image, has_image = aligned(HeldOut.read(IMAGE_BRANCH / HELD_OUT), products["id"].to_numpy())
    labels, groups = columns(products), products["group"].to_numpy()

    single = fitting.stacked if method == "stacked" else fitting.calibrated
    both = fitting.stacked if method == "stacked" else fitting.weighted
    blends: dict[State, Blend] = {}
    thresholds: dict[State, float] = {}
    figures = {}
    plan: tuple[tuple[State, np.ndarray, np.ndarray, fitting.Fit], ...] = (
        ("text", has_text, has_text & ~has_image, single),
        ("image", has_image, has_image & ~has_text, single),
        ("both", has_text & has_image, has_text & has_image, both),
    )
    for state, wanted, exactly, fit in plan:
        rows = exactly if exactly.sum() >= _ENOUGH else wanted
        if not rows.any():
            continue
        z_text = text[rows] * (state != "image")
        z_image = image[rows] * (state != "text")
        blends[state] = fit(z_text, z_image, labels[rows])
        fold = folds(labels[rows], groups[rows], _FOLDS, settings.prepare.seed)
        p = fitting.cross_fitted(fit, z_text, z_image, labels[rows], fold)
        right = p.argmax(axis=1) == labels[rows]
        thresholds[state] = fitting.acceptance_threshold(p.max(axis=1), right, precision)
        figures[state] = {
            "products": int(rows.sum()),
            "accuracy": float(right.mean()),
            "log_loss": fitting.negative_log_likelihood(p, labels[rows]),
            "text_weight": blends[state].text_weight,
            "image_weight": blends[state].image_weight,
            "threshold": thresholds[state],
        }
        print(state, *(f"{name} {value:.4g}" for name, value in figures[state].items()), sep="  ")

    prior = np.bincount(labels, minlength=len(CODES)) / len(labels)
    fusion = Fusion(method, CODES, tuple(map(float, prior)), blends, precision, thresholds)
    FUSION.parent.mkdir(parents=True, exist_ok=True)
    fusion.write(FUSION)
    write_json(METRICS / "fusion.json", figures)
