"""The encoder against the same computed by NumPy alone, weight by weight; and what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from serving.listing.text import Text
from stages.encoders.bert import WORD_EMBEDDINGS
from stages.encoders.errors import EncoderError
from stages.encoders.pretrained import Pretrained
from tests.support import encoder

pytestmark = pytest.mark.slow  # loads TensorFlow

TEXTS = [Text("piscine ronde bleue", "avec une pompe"), Text("livre", ""), Text("", "jeu neuf")]

Tensors = Mapping[str, np.ndarray]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return encoder.write(tmp_path / "encoder", [" ".join(text) for text in TEXTS])


def expected(t: Tensors, tokens: list[int], layer: int) -> np.ndarray:
    """The mean over the tokens of a layer's output, of one text, in float64."""

    def normalised(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        return scaled * t[f"{name}.weight"] + t[f"{name}.bias"]

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ t[f"{name}.weight"].T + t[f"{name}.bias"]

    x = t[WORD_EMBEDDINGS][tokens] + t["embeddings.token_type_embeddings.weight"][0]
    x = x + t["embeddings.position_embeddings.weight"][: len(tokens)]
    x = normalised(x, "embeddings.LayerNorm")
    for number in range(layer + 1):
        here = f"encoder.layer.{number}"
        heads = []
        for head in range(2):
            query, key, value = (
                dense(x, f"{here}.attention.self.{part}")[:, 8 * head : 8 * head + 8]
                for part in ("query", "key", "value")
            )
            scores = np.exp(query @ key.T / math.sqrt(8))
            heads.append(scores / scores.sum(axis=1, keepdims=True) @ value)
        mixed = dense(np.concatenate(heads, axis=1), f"{here}.attention.output.dense")
        x = normalised(x + mixed, f"{here}.attention.output.LayerNorm")
        inner = dense(x, f"{here}.intermediate.dense")
        inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        x = normalised(x + dense(inner, f"{here}.output.dense"), f"{here}.output.LayerNorm")
    return x.mean(axis=0)


def test_it_computes_what_bert_is_defined_to(folder: Path) -> None:
    whole = Pretrained.read(folder).bounded("query: ", 32)
    tokens = whole.encoder.encode(TEXTS)["tokens"]
    found = np.asarray(whole.network([0, 2])({"tokens": tokens}))
    assert (tokens == whole.encoder.padding).any()
    for row, numbers in zip(found, tokens, strict=True):
        read = [number for number in numbers.tolist() if number != whole.encoder.padding]
        for place, layer in ((slice(0, 16), 0), (slice(16, 32), 2)):
            assert np.allclose(row[place], expected(whole.tensors, read, layer), atol=1e-5)


def test_a_reduced_encoder_says_the_same_of_its_texts(folder: Path, tmp_path: Path) -> None:
    whole = Pretrained.read(folder).bounded("query: ", 32)
    reduced = whole.reduced(TEXTS)
    assert reduced.shape.vocab_size < whole.shape.vocab_size
    assert reduced.tensors[WORD_EMBEDDINGS].dtype == np.float16
    (tmp_path / "kept").mkdir()
    reduced.write(tmp_path / "kept")
    again = Pretrained.read(tmp_path / "kept")
    said = [
        np.asarray(one.network([2])({"tokens": one.encoder.encode(TEXTS)["tokens"]}))
        for one in (whole, reduced, again)
    ]
    assert np.allclose(said[0], said[1], atol=0.02)
    assert (said[1] == said[2]).all()


def test_names_of_a_saved_model_around_it_are_known(folder: Path) -> None:
    tensors = encoder.weights(json.loads((folder / "config.json").read_text("utf-8")), 0)
    save_file({f"bert.{name}": values for name, values in tensors.items()}, folder / FILE)
    assert set(Pretrained.read(folder).tensors) == set(tensors)


FILE = "model.safetensors"


def configure(folder: Path, **changed: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changed), encoding="utf-8")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model_type": "llama"}, r"model_type = 'llama'.* built as BERT"),
        ({"hidden_act": "relu"}, "hidden_act = 'relu'"),
        ({"hidden_size": 0}, "hidden_size = 0"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type = 'relative_key'"),
    ],
)
def test_another_kind_of_network_is_refused(
    folder: Path, changed: dict[str, object], said: str
) -> None:
    configure(folder, **changed)
    with pytest.raises(EncoderError, match=said):
        Pretrained.read(folder)


def test_weights_of_another_shape_are_refused(folder: Path) -> None:
    configure(folder, intermediate_size=64)
    whole = Pretrained.read(folder).bounded("", 32)
    with pytest.raises(EncoderError, match=r"intermediate.dense.weight has the shape \(16, 32\)"):
        whole.network([2])


def test_more_layers_than_there_are_weights_are_refused(folder: Path) -> None:
    configure(folder, num_hidden_layers=4)
    with pytest.raises(EncoderError, match=r"holds no encoder.layer.3"):
        Pretrained.read(folder).bounded("", 32).network([3])


def test_more_tokens_than_places_are_refused(folder: Path) -> None:
    with pytest.raises(EncoderError, match="tokens = 65: the encoder has 64 places"):
        Pretrained.read(folder).bounded("", 65)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (FILE, b"\x80\x02cos\nsystem\n(S'true'\ntR."),
        (FILE, b""),
        (FILE, b"\xff\xff\xff\xff\xff\xff\xff\x7f{}"),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b"\xff"),
        ("config.json", b"[]"),
        ("config.json", b"{"),
    ],
)
def test_a_damaged_file_is_named(folder: Path, file: str, content: bytes) -> None:
    (folder / file).write_bytes(content)
    with pytest.raises(EncoderError, match=file):
        Pretrained.read(folder)


def test_another_kind_of_weights_is_refused(folder: Path) -> None:
    save_file({"wte": np.zeros((2, 2), np.float32)}, folder / FILE)
    with pytest.raises(EncoderError, match="none of a BERT"):
        Pretrained.read(folder)
