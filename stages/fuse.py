"""Learn the fusion, its calibration and the acceptance thresholds on held-out products.

Reads data/prepared and the held-out logits of all branches; writes models/fusion/fusion.json and
metrics/fusion.json.
"""

from __future__ import annotations

import numpy as np

from serving.classifier.fusion import Fusion
from serving.classifier.levels import Levels
from stages.common.held_out import HeldOut
from stages.common.output import write_json
from stages.common.paths import BRANCHES, FUSION, HELD_OUT, METRICS
from stages.common.products import columns, prepared_labels, read_training
from stages.common.settings import load
from stages.fusion.learning import BranchAnswers, Lesson


def fuse() -> None:
    """Run the stage."""
    settings = load()
    method, precision = settings.fusion.method, settings.evaluate.precision
    products = read_training()
    names = prepared_labels()
    codes = tuple(names)
    rows, labels = products["id"].to_numpy(), columns(products, codes)
    learnt = Lesson(
        branches={
            branch: BranchAnswers.of(HeldOut.read(folder / HELD_OUT), rows)
            for branch, folder in BRANCHES.items()
        },
        labels=labels,
        groups=products["group"].to_numpy(),
        method=method,
        precision=precision,
        certainty=settings.evaluate.certainty,
        by_code=settings.evaluate.acceptance == "code",
        levels=Levels.of(names),
        seed=settings.prepare.seed,
    ).states()

    prior = np.bincount(labels, minlength=len(codes)) / len(labels)
    fusion = Fusion(
        method=method,
        codes=codes,
        prior=tuple(map(float, prior)),
        blends={state: fit.blend for state, fit in learnt.items()},
        precision=precision,
        thresholds={state: fit.threshold for state, fit in learnt.items()},
        code_thresholds={
            state: {str(codes[column]): least for column, least in fit.own.items()}
            for state, fit in learnt.items()
            if fit.own
        },
        level_thresholds={state: fit.levels for state, fit in learnt.items() if fit.levels},
    )
    FUSION.parent.mkdir(parents=True, exist_ok=True)
    fusion.write(FUSION)
    write_json(
        METRICS / "fusion.json",
        {state: fit.figures for state, fit in learnt.items()},
    )
    for state, fit in learnt.items():
        figures = (
            f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in fit.figures.items()
        )
        print(state, *figures, sep="  ")
