"""What a frozen encoder says of each text: computed once, read by row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from serving.listing.text import Text
from stages.common.keras_setup import keras, tf
from stages.common.products import storable
from stages.common.progress import progress
from stages.encoders.bert import TOKENS
from stages.encoders.pretrained import Pretrained

ARRAYS, IDS = "features.npy", "ids.npy"

_BATCH = 64


def network(pretrained: Pretrained) -> keras.Model:
    """Tokens to the means of every other layer, from the last one back: what lower layers know of
    a text is another thing than what the last one knows (Jawahar et al., 2019, "What Does BERT
    Learn about the Structure of Language?")."""
    return pretrained.network(range(pretrained.shape.num_hidden_layers)[::-2])


def embed(pretrained: Pretrained, texts: Sequence[Text]) -> np.ndarray:
    """Float16 [n, features]; half precision as for pictures. Texts of similar length are read
    together."""
    model, encoder = network(pretrained), pretrained.encoder
    run = tf.function(
        lambda tokens: model({TOKENS: tokens}, training=False),
        input_signature=[tf.TensorSpec((None, None), tf.int32)],
    )
    lengths = [len(text.designation) + len(text.description) for text in texts]
    order = np.argsort(lengths, kind="stable")
    features = np.zeros((len(texts), model.output.shape[1]), np.float16)
    with progress(title="embed", unit="texts", total=len(texts)) as done:
        for start in range(0, len(texts), _BATCH):
            rows = order[start : start + _BATCH]
            tokens = encoder.encode([texts[row] for row in rows])[TOKENS]
            features[rows] = run(tokens).numpy()
            done.update(len(rows))
    return features


def write(folder: Path, ids: np.ndarray, features: np.ndarray) -> None:
    """Features [n, p] of the products with `ids` [n]."""
    np.save(folder / IDS, storable(ids))
    np.save(folder / ARRAYS, features)
