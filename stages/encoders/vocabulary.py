"""The vocabulary of a pretrained encoder, reduced to what a catalogue uses.

A hundred languages need 250,000 subwords, of which a catalogue uses some ten thousand; all others
would be most of the exported classifier. What stays are the subwords of the catalogue's own texts,
which are therefore read as before, and every subword of one character, of which a new word is made
where no longer one is left. A character that has none is the unknown token, as before.
"""

from __future__ import annotations

import copy
from collections.abc import Set
from typing import Any

import numpy as np

from stages.encoders.errors import EncoderError

REDUCED = ("Unigram", "WordPiece")
"""The kinds of tokenizer that still read everything without some subwords; of another kind, all of
them stay."""

_PADDING = ("<pad>", "[PAD]")
_SPACE, _CONTINUED = "▁", "##"
"""What marks a subword that begins a word, and one that goes on."""

Description = dict[str, Any]
"""The content of tokenizer.json."""


def bounded(description: Description, prefix: str, tokens: int) -> Description:
    """A tokenizer that sets `prefix` before a text, reads `tokens` tokens at most and says what
    fills up a row.

    Raises EncoderError: it has no token for that.
    """
    ids = {token["content"]: token["id"] for token in description["added_tokens"]}
    padding = next((name for name in _PADDING if name in ids), None)
    if padding is None:
        raise EncoderError(f"tokenizer.json has none of the added tokens {', '.join(_PADDING)}")
    described = copy.deepcopy(description)
    steps = [{"type": "Prepend", "prepend": prefix}] if prefix else []
    steps += [described["normalizer"]] if described["normalizer"] else []
    described["normalizer"] = {"type": "Sequence", "normalizers": steps}
    described["truncation"] = {
        "direction": "Right",
        "max_length": tokens,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    described["padding"] = {
        "strategy": "BatchLongest",
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": ids[padding],
        "pad_type_id": 0,
        "pad_token": padding,
    }
    return described


def reduced(description: Description, used: Set[int]) -> tuple[Description, np.ndarray]:
    """The tokenizer with the subwords `used`, the special ones and those of one character, and the
    numbers that these had, int [kept], in their order."""
    model = description["model"]
    if model["type"] not in REDUCED:
        return description, np.arange(len(model["vocab"]))
    unigram = model["type"] == "Unigram"
    numbered = (
        {number: piece for number, (piece, _) in enumerate(model["vocab"])}
        if unigram
        else {number: piece for piece, number in model["vocab"].items()}
    )
    unknown = model["unk_id"] if unigram else model["vocab"][model["unk_token"]]
    special = {token["id"] for token in description["added_tokens"]} | {unknown}
    kept = [
        number
        for number, piece in sorted(numbered.items())
        if number in used or number in special or _is_short(piece)
    ]
    # Tokens that were added beside the vocabulary come after it, as before.
    numbers = {old: new for new, old in enumerate([*kept, *sorted(special - numbered.keys())])}
    smaller = copy.deepcopy(description)
    if unigram:
        smaller["model"]["vocab"] = [model["vocab"][old] for old in kept]
        smaller["model"]["unk_id"] = numbers[unknown]
    else:
        smaller["model"]["vocab"] = {numbered[old]: numbers[old] for old in kept}
    smaller["added_tokens"] = [
        token | {"id": numbers[token["id"]]} for token in description["added_tokens"]
    ]
    smaller["padding"]["pad_id"] = numbers[description["padding"]["pad_id"]]
    _renumber(smaller["post_processor"], numbers)
    return smaller, np.array(list(numbers))


def _is_short(piece: str) -> bool:
    """Of one character, or one of SentencePiece's single bytes."""
    bare = piece.removeprefix(_SPACE).removeprefix(_CONTINUED)
    return len(bare) <= 1 or (piece.startswith("<0x") and piece.endswith(">"))


def _renumber(processor: Any, numbers: dict[int, int]) -> None:
    """Special tokens by their new numbers, in whatever the processor is made of."""
    if isinstance(processor, dict):
        if isinstance(processor.get("ids"), list):
            processor["ids"] = [numbers[number] for number in processor["ids"]]
        for name in ("cls", "sep"):  # [token, number]
            if isinstance(processor.get(name), list):
                processor[name][1] = numbers[processor[name][1]]
        for part in processor.values():
            _renumber(part, numbers)
    elif isinstance(processor, list):
        for part in processor:
            _renumber(part, numbers)
