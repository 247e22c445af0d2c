"""A tiny encoder of texts with random weights, in the hub's layout."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from stages.common.settings import PretrainedEncoder

CONFIG = {
    "model_type": "bert",
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
}


def settings(**changed: object) -> PretrainedEncoder:
    """Of an encoder of which nothing is fetched."""
    given: dict[str, object] = {
        "repository": "a/b",
        "revision": "0" * 40,
        "sha256": {},
        "folder": None,
        "watched": "",
        "prefix": "query: ",
        "tokens": 32,
    }
    return PretrainedEncoder.model_validate(given | changed)


def write(folder: Path, texts: Iterable[str], kind: str = "Unigram", seed: int = 0) -> Path:
    """Make `folder`, with a subword for each word and each letter of `texts`. Returns it."""
    folder.mkdir(parents=True)
    words = sorted({word for text in texts for word in text.split()})
    letters = sorted({letter for word in words for letter in word} | set("query:"))
    tokenizer = (_unigram if kind == "Unigram" else _wordpiece)(words, letters)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = CONFIG | {"vocab_size": tokenizer.get_vocab_size() + 3}  # as e5 has rows to spare
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(weights(config, seed), folder / "model.safetensors")
    return folder


def _unigram(words: list[str], letters: list[str]) -> Tokenizer:
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = [(name, 0.0) for name in special] + [("▁", -4.0)]
    pieces += [(f"▁{word}", -6.0) for word in words] + [(letter, -5.0) for letter in letters]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.add_special_tokens(special)
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def _wordpiece(words: list[str], letters: list[str]) -> Tokenizer:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    pieces = [*special, *letters, *(f"##{letter}" for letter in letters), *words]
    numbers = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    tokenizer.add_special_tokens(special)
    tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def weights(config: dict[str, object], seed: int) -> dict[str, np.ndarray]:
    """By the names that BertModel has."""
    random = np.random.default_rng(seed)
    width, inner = 16, 32

    def drawn(*shape: int) -> np.ndarray:
        return random.normal(scale=0.3, size=shape).astype(np.float32)

    tensors = {
        "embeddings.word_embeddings.weight": drawn(int(str(config["vocab_size"])), width),
        "embeddings.position_embeddings.weight": drawn(64, width),
        "embeddings.token_type_embeddings.weight": drawn(2, width),
        "embeddings.LayerNorm.weight": 1 + drawn(width),
        "embeddings.LayerNorm.bias": drawn(width),
    }
    for number in range(3):
        here = f"encoder.layer.{number}"
        for name, outputs, inputs in (
            ("attention.self.query", width, width),
            ("attention.self.key", width, width),
            ("attention.self.value", width, width),
            ("attention.output.dense", width, width),
            ("intermediate.dense", inner, width),
            ("output.dense", width, inner),
        ):
            tensors[f"{here}.{name}.weight"] = drawn(outputs, inputs)
            tensors[f"{here}.{name}.bias"] = drawn(outputs)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            tensors[f"{here}.{name}.weight"] = 1 + drawn(width)
            tensors[f"{here}.{name}.bias"] = drawn(width)
    return tensors
