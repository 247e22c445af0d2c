"""A reduced vocabulary: its own texts are read as before, others by what is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from tokenizers import Tokenizer

from serving.encoding.subwords import SubwordEncoder
from serving.listing.text import Text
from stages.encoders import vocabulary
from stages.encoders.errors import EncoderError
from tests.support import encoder

CATALOGUE = ["piscine ronde bleue", "livre de poche neuf", "jeu de société"]
OTHERS = ["console de jeux vidéo", "figurine rare", "lot de revues anciennes"]
KINDS = ["Unigram", "WordPiece"]


def described(folder: Path, kind: str, tokens: int = 64) -> vocabulary.Description:
    encoder.write(folder / kind, [*CATALOGUE, *OTHERS], kind)
    content = json.loads((folder / kind / "tokenizer.json").read_bytes())
    return vocabulary.bounded(content, "query: ", tokens)


def read(description: vocabulary.Description, texts: list[str]) -> list[list[str]]:
    tokenizer = Tokenizer.from_str(json.dumps(description))
    return [tokenizer.encode(text).tokens for text in texts]


def used(description: vocabulary.Description, texts: list[str]) -> set[int]:
    tokenizer = Tokenizer.from_str(json.dumps(description))
    return {number for text in texts for number in tokenizer.encode(text).ids}


@pytest.mark.parametrize("kind", KINDS)
def test_the_texts_of_the_catalogue_are_read_as_before(tmp_path: Path, kind: str) -> None:
    whole = described(tmp_path, kind)
    smaller, kept = vocabulary.reduced(whole, used(whole, CATALOGUE))
    assert len(kept) < len(whole["model"]["vocab"])
    assert read(smaller, CATALOGUE) == read(whole, CATALOGUE)
    before, after = (Tokenizer.from_str(json.dumps(d)) for d in (whole, smaller))
    for text in CATALOGUE:
        assert kept[after.encode(text).ids].tolist() == before.encode(text).ids


@pytest.mark.parametrize("kind", KINDS)
def test_other_texts_are_made_of_what_is_left(tmp_path: Path, kind: str) -> None:
    whole = described(tmp_path, kind)
    smaller, _ = vocabulary.reduced(whole, used(whole, CATALOGUE))
    assert read(smaller, OTHERS) != read(whole, OTHERS)
    assert all(known(smaller, text) for text in OTHERS)
    for was, now in zip(read(whole, OTHERS), read(smaller, OTHERS), strict=True):
        assert plain(was) == plain(now)


def known(description: vocabulary.Description, text: str) -> bool:
    """Whether a text is read without the unknown token."""
    tokenizer = Tokenizer.from_str(json.dumps(description))
    unknown = tokenizer.token_to_id("<unk>") or tokenizer.token_to_id("[UNK]")
    return unknown not in tokenizer.encode(text).ids


def plain(tokens: list[str]) -> str:
    """The letters that tokens stand for."""
    return "".join(token.removeprefix("##") for token in tokens).replace("▁", "")


@pytest.mark.parametrize("kind", KINDS)
def test_a_character_without_a_subword_is_unknown(tmp_path: Path, kind: str) -> None:
    whole = described(tmp_path, kind)
    smaller, _ = vocabulary.reduced(whole, used(whole, CATALOGUE))
    assert known(smaller, "livre")
    assert not known(smaller, "livre 漢")


def test_special_tokens_keep_their_places(tmp_path: Path) -> None:
    """Where they have other numbers than before."""
    whole = described(tmp_path, "Unigram")
    pieces = whole["model"]["vocab"]
    moved = {**whole, "model": {**whole["model"], "vocab": [*pieces, ["<mask>", 0.0]]}}
    mask = {**whole["added_tokens"][0], "id": len(pieces), "content": "<mask>"}
    moved["added_tokens"] = [*whole["added_tokens"], mask]
    smaller, kept = vocabulary.reduced(moved, used(moved, CATALOGUE))
    tokenizer = Tokenizer.from_str(json.dumps(smaller))
    assert tokenizer.token_to_id("<mask>") == len(kept) - 1
    assert kept[-1] == len(pieces)
    ids = tokenizer.encode("livre").ids
    assert (ids[0], ids[-1]) == (tokenizer.token_to_id("<s>"), tokenizer.token_to_id("</s>"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_was_added_beside_the_vocabulary_comes_after_it(
    tmp_path: Path, kind: str
) -> None:
    whole = described(tmp_path, kind)
    tokenizer = Tokenizer.from_str(json.dumps(whole))
    beside = tokenizer.get_vocab_size()
    tokenizer.add_special_tokens(["<extra>"])
    smaller, kept = vocabulary.reduced(json.loads(tokenizer.to_str()), used(whole, CATALOGUE))
    assert kept[-1] == beside
    assert Tokenizer.from_str(json.dumps(smaller)).token_to_id("<extra>") == len(kept) - 1


def test_the_unknown_token_stays_where_nothing_says_that_it_is_special(tmp_path: Path) -> None:
    whole = described(tmp_path, "Unigram")
    whole["added_tokens"] = [t for t in whole["added_tokens"] if t["content"] != "<unk>"]
    smaller, kept = vocabulary.reduced(whole, used(whole, CATALOGUE) - {3})
    assert 3 in kept
    assert smaller["model"]["vocab"][smaller["model"]["unk_id"]][0] == "<unk>"


def test_another_kind_of_tokenizer_keeps_all() -> None:
    description = {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}}}
    smaller, kept = vocabulary.reduced(description, {0})
    assert smaller == description
    assert kept.tolist() == [0, 1]


def test_a_tokenizer_without_padding_is_refused() -> None:
    with pytest.raises(EncoderError, match=r"<pad>, \[PAD\]"):
        vocabulary.bounded({"added_tokens": [], "normalizer": None}, "", 8)


HOSTILE = {
    "long": "piscine ronde " * 80_000,
    "one token": "a" * 1_000_000,
    "no spaces": "".join(chr(97 + i * 7 % 26) for i in range(1_000_000)),
    "control": "\x01\x02\x7f" * 300_000 + "livre",
    "surrogates": "\ud800livre\udfff" * 100_000,
    "combining": "e" + "\u0301" * 1_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_costs_what_a_bounded_one_costs(tmp_path: Path, name: str) -> None:
    reader = SubwordEncoder(Tokenizer.from_str(json.dumps(described(tmp_path, "Unigram"))))
    looked_at: list[int] = []
    tokenizer = reader._tokenizer

    class Counting:
        def encode(self, text: str) -> object:
            looked_at.append(len(text))
            return tokenizer.encode(text)

    reader._tokenizer = cast(Tokenizer, Counting())
    (tokens,) = reader.encode([Text(HOSTILE[name], HOSTILE[name])])["tokens"]
    assert len(tokens) <= 64
    assert max(looked_at) <= 64 * 16


def test_the_prefix_and_both_fields_are_read(tmp_path: Path) -> None:
    description = described(tmp_path, "Unigram")
    tokenizer = Tokenizer.from_str(json.dumps(description))
    reader = SubwordEncoder(tokenizer)
    rows = reader.encode([Text("livre", "neuf"), Text("", "")])["tokens"]
    assert rows[0].tolist() == tokenizer.encode("livre neuf").ids
    assert plain(tokenizer.encode("livre neuf").tokens) == "<s>query:livreneuf</s>"
    assert (rows[1] == reader.padding).any()
    assert rows.dtype == np.int32


def test_it_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    reader = SubwordEncoder(Tokenizer.from_str(json.dumps(described(tmp_path, "WordPiece"))))
    reader.write(tmp_path)
    texts = [Text(text, "") for text in OTHERS]
    again = SubwordEncoder.read(tmp_path)
    assert (again.encode(texts)["tokens"] == reader.encode(texts)["tokens"]).all()
    assert again.tokens == 64


def test_a_tokenizer_without_a_bound_is_refused(tmp_path: Path) -> None:
    folder = encoder.write(tmp_path / "encoder", CATALOGUE)
    with pytest.raises(ValueError, match="how many tokens"):
        SubwordEncoder.read(folder)
