"""A pretrained encoder of texts in the hub's layout: read, checked, reduced, written again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from serving.encoding.subwords import SubwordEncoder
from serving.listing.text import Text
from stages.common.keras_setup import keras
from stages.common.paths import CONFIG, TENSORS, TOKENIZER
from stages.encoders import vocabulary
from stages.encoders.bert import (
    WORD_EMBEDDINGS,
    Shape,
    Tensors,
    bare_names,
    bert,
    set_weights,
)
from stages.encoders.errors import EncoderError


@dataclass(frozen=True)
class Pretrained:
    """Shape, weights by the hub's names, and the tokenizer's description."""

    shape: Shape
    tensors: Tensors
    tokenizer: vocabulary.Description

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The files of a folder.

        Raises EncoderError: one is damaged, or of another kind of network.
        """
        try:
            shape = Shape.model_validate_json((folder / CONFIG).read_bytes())
        except ValidationError as error:
            fault = error.errors()[0]
            key = ".".join(map(str, fault["loc"])) or "content"
            raise EncoderError(
                f"{folder / CONFIG}: {key} = {fault['input']!r}: {fault['msg']}; this pipeline "
                "knows encoders built as BERT, such as multilingual-e5-small"
            ) from error
        try:
            tensors = bare_names(load_file(folder / TENSORS))
        except (SafetensorError, OSError) as error:
            raise EncoderError(f"{folder / TENSORS} is no file of weights: {error}") from error
        try:
            tokenizer = json.loads((folder / TOKENIZER).read_bytes())
            Tokenizer.from_str(json.dumps(tokenizer))
        except Exception as error:  # the library raises nothing more special
            raise EncoderError(f"{folder / TOKENIZER} is no tokenizer: {error}") from error
        return cls(shape, tensors, tokenizer)

    def bounded(self, prefix: str, tokens: int) -> Self:
        """With a tokenizer that reads `tokens` tokens at most, `prefix` among them.

        Raises EncoderError: the encoder has fewer places.
        """
        if tokens > self.shape.max_position_embeddings:
            raise EncoderError(
                f"language.encoder.tokens = {tokens}: the encoder has "
                f"{self.shape.max_position_embeddings} places"
            )
        return type(self)(
            self.shape, self.tensors, vocabulary.bounded(self.tokenizer, prefix, tokens)
        )

    def reduced(self, texts: Sequence[Text]) -> Self:
        """With the vocabulary that `texts` use, and weights in half precision: its rounding is far
        below what another seed of the pretraining would do."""
        used = set(np.unique(self.encoder.encode(texts)["tokens"]).tolist())
        tokenizer, kept = vocabulary.reduced(self.tokenizer, used)
        words = {WORD_EMBEDDINGS: self.tensors[WORD_EMBEDDINGS][kept]}
        tensors = {
            name: words.get(name, values).astype(np.float16)
            for name, values in self.tensors.items()
        }
        return type(self)(
            self.shape.model_copy(update={"vocab_size": len(kept)}), tensors, tokenizer
        )

    @property
    def encoder(self) -> SubwordEncoder:
        """From texts to tokens, once `bounded`."""
        return SubwordEncoder(Tokenizer.from_str(json.dumps(self.tokenizer)))

    def network(self, layers: Sequence[int], trained: int = 0) -> keras.Model:
        """The encoder with its weights; see `bert`."""
        model = bert(self.shape, self.encoder.padding, layers, trained)
        set_weights(model, self.tensors)
        return model

    def write(self, folder: Path) -> None:
        """In the hub's layout; byte-identical for equal content."""
        (folder / CONFIG).write_text(self.shape.model_dump_json(indent=1) + "\n", encoding="utf-8")
        save_file(
            {name: np.ascontiguousarray(self.tensors[name]) for name in sorted(self.tensors)},
            folder / TENSORS,
        )
        self.encoder.write(folder)
