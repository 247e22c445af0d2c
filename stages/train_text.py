"""Train the text branch.

Reads data/prepared; writes models/text (encoder, weights, held-out logits) and, through DVCLive,
the curves in metrics/train_text.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from dvclive import Live

from serving.classifier.labels import CODES
from stages import text_models
from stages.held_out import HeldOut
from stages.keras_setup import set_up
from stages.products import columns, read_training, texts
from stages.report import fail
from stages.settings import NoText, SettingsError, load
from stages.training import Examples, train_branch

MODEL = Path("models/text")
CURVES = Path("metrics/train_text")


def train_text() -> None:
    """Run the stage."""
    settings = load()
    text, train = settings.text, settings.train
    MODEL.mkdir(parents=True, exist_ok=True)
    with Live(str(CURVES), dvcyaml=None, save_dvc_exp=False) as live:
        if isinstance(text, NoText):
            HeldOut.none(len(CODES)).write(MODEL / "heldout.npz")
            return
        set_up(train.seed, train.threads)
        products = read_training()
        products = products[(products["title"] != "") | (products["body"] != "")]
        listings = texts(products)
        encoder = text_models.fit_encoder(text, listings)
        inputs = encoder.encode(listings)
        examples = Examples(
            take=lambda rows: {name: values[rows] for name, values in inputs.items()},
            rows=products["id"].to_numpy(),
            labels=columns(products),
            groups=products["group"].to_numpy(),
            validation=products["validation"].to_numpy(),
        )
        model, held_out = train_branch(
            lambda: text_models.build(text, encoder, len(CODES)),
            examples,
            len(CODES),
            train,
            text.learning_rate,
            text.folds,
            live,
        )
        encoder.write(MODEL)
        model.save_weights(MODEL / "model.weights.h5")
        held_out.write(MODEL / "heldout.npz")
        right = (
            held_out.logits.argmax(axis=1) == examples.labels[np.isin(examples.rows, held_out.rows)]
        )
        print(f"text branch: {right.mean():.3f} accuracy on {len(right)} held-out products")


if __name__ == "__main__":
    try:
        train_text()
    except (SettingsError, OSError) as error:
        fail(error)
