"""Train the image branch.

Reads data/prepared and data/images; writes models/image (weights, held-out logits) and, through
DVCLive, the curves in metrics/train_image.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from dvclive import Live

from serving.listing.labels import CODES
from stages.common.held_out import HeldOut
from stages.common.keras_setup import set_up
from stages.common.products import columns, read_training
from stages.common.settings import Cnn, Discriminant, NoImage, load
from stages.image import models as image_models
from stages.text.ridge import discriminant
from stages.training.branch import (
    Examples,
    by_descent,
    by_solving,
    class_weights,
    held_out_accuracy,
    plain,
    train_branch,
)

IMAGES = Path("data/images")
MODEL = Path("models/image")
CURVES = Path("metrics/train_image")


def train_image() -> None:
    """Run the stage."""
    settings = load()
    image, train = settings.image, settings.train
    MODEL.mkdir(parents=True, exist_ok=True)
    with Live(str(CURVES), dvcyaml=None, save_dvc_exp=False) as live:
        if isinstance(image, NoImage):
            HeldOut.none(len(CODES)).write(MODEL / "heldout.npz")
            return
        set_up(train.seed, train.threads)
        entries = pd.read_csv(IMAGES / "index.csv")["entry"]
        position = pd.Series(np.arange(len(entries)), index=entries)
        arrays = np.load(IMAGES / "arrays.npy", mmap_mode="r")
        products = read_training()
        products = products[products["picture"].isin(position.index)]
        places = position[products["picture"]].to_numpy()
        pixels = isinstance(image, Cnn)
        examples = Examples(
            take=lambda rows: {"pixels" if pixels else "features": arrays[places[rows]]},
            rows=products["id"].to_numpy(),
            labels=columns(products),
            groups=products["group"].to_numpy(),
            validation=products["validation"].to_numpy(),
        )

        weights = class_weights(examples.labels, len(CODES), train.class_weight)
        descent = image if isinstance(image, Cnn) else image.head
        if isinstance(descent, Discriminant):
            fit = by_solving(
                lambda rows: image_models.linear_head(
                    *discriminant(
                        arrays[places[rows]],
                        examples.labels[rows],
                        len(CODES),
                        descent.shrinkage,
                    )
                ),
                examples,
                live,
            )
        else:
            fit = by_descent(
                lambda: image_models.build(image, arrays.shape[-1], len(CODES)),
                examples,
                weights,
                train,
                plain(descent.learning_rate),
                live,
            )
        model, held_out = train_branch(fit, examples, len(CODES), train, train.epochs, image.folds)
        model.save_weights(MODEL / "model.weights.h5")
        held_out.write(MODEL / "heldout.npz")
        print("image branch:", held_out_accuracy(held_out, examples))
