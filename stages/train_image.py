"""Train the image branch.

Reads data/prepared and data/images; writes models/image (weights, held-out logits) and, through
DVCLive, the curves in metrics/train_image.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from dvclive import Live

from serving.classifier.labels import CODES
from stages import image_models
from stages.held_out import HeldOut
from stages.keras_setup import keras, set_up
from stages.products import columns, read_training
from stages.report import fail
from stages.settings import Cnn, NoImage, SettingsError, load
from stages.training import Examples, train_branch

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

        def build() -> keras.Model:
            if isinstance(image, Cnn):
                return image_models.cnn(image, len(CODES))
            return image_models.head(image, arrays.shape[1], len(CODES))

        model, held_out = train_branch(
            build, examples, len(CODES), train, image.learning_rate, image.folds, live
        )
        model.save_weights(MODEL / "model.weights.h5")
        held_out.write(MODEL / "heldout.npz")
        seen = np.isin(examples.rows, held_out.rows)
        right = held_out.logits.argmax(axis=1) == examples.labels[seen]
        print(f"image branch: {right.mean():.3f} accuracy on {len(right)} held-out products")


if __name__ == "__main__":
    try:
        train_image()
    except (SettingsError, OSError) as error:
        fail(error)
