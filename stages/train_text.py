"""Train the text branch.

Reads data/prepared; writes models/text (encoder, weights, held-out logits) and, through DVCLive,
the curves in metrics/train_text.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from dvclive import Live

from serving.encoding.encoders import NgramEncoder, WordEncoder, pad
from serving.listing.labels import CODES
from stages.common.held_out import HeldOut
from stages.common.keras_setup import keras, set_up
from stages.common.products import columns, read_training, texts
from stages.common.settings import Lstm, Ngrams, NoText, load
from stages.text import models as text_models
from stages.text.ridge import ridge
from stages.text.word_vectors import word_vectors
from stages.training.branch import (
    Examples,
    annealed,
    by_descent,
    by_solving,
    class_weights,
    held_out_accuracy,
    train_branch,
)

MODEL = Path("models/text")
CURVES = Path("metrics/train_text")


def train_text() -> None:
    """Run the stage."""
    settings = load()
    text, train, epochs = settings.text, settings.train, settings.train.epochs
    MODEL.mkdir(parents=True, exist_ok=True)
    with Live(str(CURVES), dvcyaml=None, save_dvc_exp=False) as live:
        if isinstance(text, NoText):
            HeldOut.none(len(CODES)).write(MODEL / "heldout.npz")
            return
        set_up(train.seed, train.threads)
        products = read_training()
        products = products[(products["title"] != "") | (products["body"] != "")]
        listings, labels = texts(products), columns(products)
        encoder = text_models.fit_encoder(text, listings)
        weights = class_weights(labels, len(CODES), train.class_weight)

        rows = encoder.rows(listings) if isinstance(encoder, NgramEncoder) else []
        words = {} if rows else encoder.encode(listings)

        def take(chosen: np.ndarray) -> dict[str, np.ndarray]:
            if rows:
                return pad([rows[row] for row in chosen])
            return {name: values[chosen] for name, values in words.items()}

        examples = Examples(
            take=take,
            rows=products["id"].to_numpy(),
            labels=labels,
            groups=products["group"].to_numpy(),
            validation=products["validation"].to_numpy(),
        )

        if isinstance(text, Ngrams) and isinstance(encoder, NgramEncoder):
            buckets, penalty, share = 2**text.bits, text.penalty, text.uncased
            uncased = encoder.rows([listing.lower() for listing in listings])

            def solve(chosen: np.ndarray) -> keras.Model:
                of = [rows[row] for row in chosen] + [uncased[row] for row in chosen]
                twice, each = np.tile(labels[chosen], 2), weights[labels[chosen]]
                count = np.concatenate([(1 - share) * each, share * each])
                return text_models.linear(*ridge(of, buckets, twice, len(CODES), count, penalty))

            fit = by_solving(solve, examples, live)
        elif isinstance(text, Lstm) and isinstance(encoder, WordEncoder):
            vectors = word_vectors(listings, encoder.vocabulary, text.dimensions, train.seed)

            def build() -> keras.Model:
                model = text_models.build(text, encoder, len(CODES))
                text_models.set_vectors(model, vectors)
                return model

            recipe = annealed(text.learning_rate, text.weight_decay, text.label_smoothing)
            fit = by_descent(build, examples, weights, train, recipe, live)
            epochs = min(train.epochs, text.epochs)
        model, held_out = train_branch(fit, examples, len(CODES), train, epochs, text.folds)
        encoder.write(MODEL)
        model.save_weights(MODEL / "model.weights.h5")
        held_out.write(MODEL / "heldout.npz")
        print("text branch:", held_out_accuracy(held_out, examples))
