"""Take the pretrained encoder of texts, and read every labelled text with it where it stays frozen.

Reads data/prepared and the files of the encoder, of the hub or of a folder; writes data/language:
the encoder with the vocabulary that the texts use, and what it says of each text.
"""

from __future__ import annotations

import numpy as np

from stages.common.keras_setup import set_up
from stages.common.paths import LANGUAGE
from stages.common.products import read_training
from stages.common.settings import FrozenLanguage, NoLanguage, load
from stages.encoders import embeddings
from stages.encoders.pretrained import Pretrained
from stages.sources.encoder import files
from stages.text.texts import with_texts


def embed() -> None:
    """Run the stage."""
    settings = load()
    language, train = settings.language, settings.train
    LANGUAGE.mkdir(parents=True, exist_ok=True)
    if isinstance(language, NoLanguage):
        embeddings.write(LANGUAGE, np.zeros(0, int), np.zeros((0, 0), np.float16))
        return
    set_up(train.seed, train.threads)
    products, texts = with_texts(read_training())
    whole = Pretrained.read(files(language.encoder))
    bounded = whole.bounded(language.encoder.prefix, language.encoder.tokens)
    pretrained = bounded.reduced(texts)
    pretrained.write(LANGUAGE)
    print(
        f"{len(texts)} texts use {pretrained.shape.vocab_size:,} of "
        f"{whole.shape.vocab_size:,} subwords"
    )
    if isinstance(language, FrozenLanguage):
        embeddings.write(LANGUAGE, products["id"].to_numpy(), embeddings.embed(pretrained, texts))
