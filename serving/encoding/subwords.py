"""From normalised texts to the subwords that a pretrained encoder reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from tokenizers import Tokenizer

from serving.listing.text import Text

TOKENIZER = "tokenizer.json"

LONGEST = 16
"""Characters of the longest subword (SentencePiece's `max_sentencepiece_length`): what a text has
beyond as many for each token is not looked at, so that a long one costs no more than a bounded."""


class SubwordEncoder:
    """The first tokens of a text, designation before description.

    The tokenizer's own file says how many, what stands before them and what fills up a row.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        if tokenizer.truncation is None or tokenizer.padding is None:
            raise ValueError("the tokenizer does not say how many tokens it reads, or fills up")
        self._tokenizer = tokenizer
        self.tokens = int(tokenizer.truncation["max_length"])
        self.padding = int(tokenizer.padding["pad_id"])

    def encode(self, texts: Sequence[Text]) -> dict[str, np.ndarray]:
        """`tokens`, int32 [n, longest], filled up with `padding`."""
        rows = [self._tokenizer.encode(self._read(text)).ids for text in texts]
        tokens = np.full((len(rows), max(map(len, rows), default=0)), self.padding, np.int32)
        for row, numbers in zip(tokens, rows, strict=True):
            row[: len(numbers)] = numbers
        return {"tokens": tokens}

    def encode_with_rarity(
        self, texts: Sequence[Text]
    ) -> tuple[dict[str, np.ndarray], list[float | None]]:
        """See Encoder; how rare a subword is among listings is not known."""
        return self.encode(texts), [None] * len(texts)

    def _read(self, text: Text) -> str:
        most = self.tokens * LONGEST
        read = f"{text.designation[:most]} {text.description[:most]}".strip()[:most]
        return read.encode("utf-8", "replace").decode()  # half a surrogate pair is no text

    def write(self, folder: Path) -> None:
        """Store in `folder`."""
        self._tokenizer.save(str(folder / TOKENIZER))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The inverse of `write`."""
        return cls(Tokenizer.from_file(str(folder / TOKENIZER)))
