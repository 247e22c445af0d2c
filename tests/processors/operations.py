"""Everything that computes a result, in small, layer by layer: a digest a line.

`python -m tests.processors.operations PART`, with determinism.ENVIRONMENT set. Its lines come in
the order of the computation, so that the first that differs between two processors names the
operation.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import yaml

from serving.classifier.classifier import LOGITS, session
from serving.classifier.fusion import READS, softmax
from serving.encoding.encoders import NgramEncoder, WordEncoder
from serving.encoding.ngrams import grams
from serving.listing.text import Text
from stages.commands.pipeline.composition import compose
from stages.common.keras_setup import keras, set_up, tf
from stages.common.settings import (
    Cnn,
    Dense,
    Frozen,
    Lstm,
    Ngrams,
    Settings,
    TunedLanguage,
)
from stages.encoders import embeddings
from stages.encoders.pretrained import Pretrained
from stages.fusion import fitting
from stages.graphs.conversion import to_onnx
from stages.image.cnn import cnn
from stages.language.tuned import tuned
from stages.pictures.backbones import backbone
from stages.text.bags import Bags
from stages.text.lstm import lstm
from stages.text.ngrams import linear, set_linear
from stages.text.ridge import ridge
from stages.text.word_vectors import word_vectors
from stages.training.branch import Inputs, class_weights
from stages.training.discriminant import discriminant
from stages.training.gradient_descent import Loss, annealed, plain
from stages.training.head import head
from tests.support import encoder
from tests.support.rakuten import CODES, LABELS
from tests.support.repository import ROOT

T = TypeVar("T")
Layers = Iterator[tuple[str, np.ndarray]]

PRODUCTS, BATCH = 108, 4
FIELD_WORDS, PIXELS = 4, 32
"""What the networks read. An emulated product costs a hundred times its price: shapes are the
smallest that reach what the full ones do."""

random = np.random.default_rng(5)
LABELLED = np.arange(PRODUCTS) % len(CODES)


def settings(kind: type[T], section: str, *overrides: str) -> T:
    """A section of conf/ with these options."""
    stored = yaml.safe_load(compose(ROOT / "conf", overrides))
    found = getattr(Settings.model_validate(stored), section)
    assert isinstance(found, kind)
    return found


def listings() -> list[Text]:
    """Texts that say something of their code: words of its name, among others'."""
    words = [[*label.name.split(), *label.english.split()] for label in LABELS.values()]
    every = [word for name in words for word in name]

    def drawn(label: int, own: int, other: int) -> str:
        chosen = [*random.choice(words[label], own), *random.choice(every, other)]
        return " ".join(random.permutation(chosen))

    return [Text(drawn(label, 3, 3), drawn(label, 6, 20)) for label in LABELLED.tolist()]


def numpy_and_blas() -> Layers:
    """What everything else is made of."""
    x = random.normal(size=20_000)
    for values in (x, x.astype(np.float32)):
        yield f"exp of {values.dtype}", np.exp(values)
        yield f"tanh of {values.dtype}", np.tanh(values)
        yield f"log of {values.dtype}", np.log(values * values)
    yield "power of float64", (x * x) ** 0.75
    yield "stable order of ties", np.argsort(np.round(x), kind="stable")
    a, b = random.normal(size=(130, 700)), random.normal(size=(700, 90))
    for kind in (np.float64, np.float32):
        yield f"dot product of {kind.__name__}", np.dot(a.ravel().astype(kind), a.ravel())
        yield f"matrix product of {kind.__name__}", a.astype(kind) @ b.astype(kind)
    yield "singular values", np.linalg.svd(b[:60])[1]


def solutions(texts: list[Text]) -> Layers:
    """The branches that are solved, and the vectors that words begin at."""
    of = settings(Ngrams, "text")
    encoder = NgramEncoder.fit(texts, 14, of.least, of.shares.model_dump())
    yield "inverse document frequencies", encoder.idf
    bags = Bags.of([grams(text, 14) for text in texts], encoder)
    yield "n-grams", bags.parts.data
    yield "n-grams: lengths in small letters", bags.stretched
    weights = class_weights(LABELLED, len(CODES), 0.5)[LABELLED]
    yield "weights of classes", weights
    kernel, bias = ridge(bags, LABELLED, len(CODES), weights, of.uncased, of.penalty)
    yield "ridge: kernel", kernel
    yield "ridge: bias", bias
    model = linear(of.model_copy(update={"bits": 14}), encoder, len(CODES))
    set_linear(model, bags.columns, kernel, bias)
    yield from graph(model, encoder.encode(texts[:BATCH]))

    features = random.normal(size=(PRODUCTS, 300)).astype(np.float16)
    features[:, : len(CODES)] += np.eye(len(CODES), dtype=np.float16)[LABELLED]
    kernel, bias = discriminant(features, LABELLED, len(CODES), 0.6)
    yield "discriminant: kernel", kernel
    yield "discriminant: bias", bias


def fusion() -> Layers:
    """Temperatures, both fusions, their ensembles."""
    logits = {branch: random.normal(size=(PRODUCTS, len(CODES))) for branch in READS}
    for strength, z in enumerate(logits.values(), start=1):
        z[np.arange(PRODUCTS), LABELLED] += strength
    yield "fusion: softmax", softmax(logits["text"])
    yield "fusion: temperature", np.array(fitting.temperature_weight(logits["text"], LABELLED))
    for fit in (fitting.stacked, fitting.weighted):
        blend = fit(logits, LABELLED)
        yield f"fusion: {fit.__name__} weights", np.array(list(blend.weights.values()))
        yield f"fusion: {fit.__name__} bias", np.array(blend.bias)
        ensemble = blend.ensemble
        found = (ensemble.power, ensemble.scaled, ensemble.plain)
        yield f"fusion: {fit.__name__} ensemble", np.array(found)
        yield f"fusion: {fit.__name__} probabilities", blend.probabilities(logits)


def networks(texts: list[Text]) -> Layers:
    """A training step of every network, forwards, backwards and the optimiser's; its graph."""
    words_read = (f"text.{field}_words={FIELD_WORDS}" for field in ("designation", "description"))
    of = settings(Lstm, "text", "text=lstm", *words_read)
    lengths = (of.designation_words, of.description_words)
    words = WordEncoder.fit(texts, of.vocabulary, lengths, of.pieces, of.piece_buckets)
    yield "word vectors", word_vectors(texts, words.vocabulary, of.dimensions, seed=1)
    recipe = annealed(20, of.learning_rate, of.weight_decay, of.label_smoothing)
    yield from step(lstm(of, words, len(CODES)), words.encode(texts[:BATCH]), *recipe)

    drawn = settings(Cnn, "image", "image=cnn", f"image.size={PIXELS}")
    pixels = random.integers(0, 256, (BATCH, drawn.size, drawn.size, 3), dtype=np.uint8)
    yield from step(cnn(drawn, len(CODES)), {"pixels": pixels}, *plain(drawn.learning_rate))
    yield from frozen("mobilenet", "null")
    yield from frozen("vgg16", "null")


def frozen(name: str, weights: str) -> Layers:
    """A frozen network, and a training step of its head where that is trained."""
    options = (f"image={name}", f"image.weights={weights}", f"image.size={PIXELS}")
    of = settings(Frozen, "image", *options)
    network = backbone(of)
    seen = {"pixels": random.integers(0, 256, (1, PIXELS, PIXELS, 3), dtype=np.uint8)}
    if name != "vgg16":  # the largest by far: what comes out tells if a layer differs
        yield from within(network)
    yield f"{name}: features", np.asarray(network(seen["pixels"], training=False))
    if name == "efficientnet":  # the other graphs have its operations and the small network's
        yield from graph(network, seen)
    if isinstance(of.head, Dense):
        features = {"features": random.normal(size=(BATCH, 512)).astype(np.float32)}
        yield from step(head(of.head, 512, len(CODES)), features, *plain(of.head.learning_rate))


def language(listings: list[Text]) -> Layers:
    """A pretrained encoder, what it says of texts, and a training step of its upper layers."""
    texts = [" ".join(listing) for listing in listings[:BATCH]]
    of = settings(TunedLanguage, "language", "language=tuned")
    with tempfile.TemporaryDirectory() as folder:
        whole = Pretrained.read(encoder.write(Path(folder) / "encoder", texts))
    read = [Text(text, "") for text in texts]
    pretrained = whole.bounded(of.encoder.prefix, 48).reduced(read)
    tokens = pretrained.encoder.encode(read)
    yield "language: tokens", tokens["tokens"]
    yield "language: features", np.asarray(embeddings.network(pretrained)(tokens))
    yield from step(tuned(of, pretrained, len(CODES)), tokens, *annealed(100, 1e-3, 0.01, 0.05))


def step(
    model: keras.Model, inputs: Inputs, optimizer: keras.optimizers.Optimizer, loss: Loss
) -> Layers:
    """A training step: outputs of layers, gradients, weights after Keras's own."""
    layers = [layer for layer in model.layers if layer.name not in inputs]
    watched = keras.Model(model.inputs, [layer.output for layer in layers])
    labels = LABELLED[:BATCH]

    def both(given: Inputs) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            outputs = watched([given[tensor.name] for tensor in model.inputs], training=True)
            value = tf.reduce_mean(loss(labels, outputs[-1]))
        return outputs, tape.gradient(value, model.trainable_weights)

    for weight in model.weights:
        yield f"{model.name}: {weight.path} at first", np.asarray(weight)
    keras.utils.set_random_seed(1)
    outputs, gradients = both({name: tf.constant(value) for name, value in inputs.items()})
    for layer, output in zip(layers, outputs, strict=True):
        yield f"{model.name}: {layer.name}", np.asarray(output)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        yield f"{model.name}: gradient of {weight.path}", np.asarray(tf.convert_to_tensor(gradient))
    model.compile(optimizer, loss)
    keras.utils.set_random_seed(1)
    for number in range(2):
        value = model.train_on_batch(inputs, labels)
        yield f"{model.name}: loss before step {number + 1}", np.asarray(value)
    for weight in model.weights:
        yield f"{model.name}: {weight.path} after two steps", np.asarray(weight)
    yield from graph(model, inputs)


def within(network: keras.Model) -> Layers:
    """What each layer of the network within a frozen one gives."""
    for inner in (layer for layer in network.layers if isinstance(layer, keras.Model)):
        outputs = [layer.output for layer in inner.layers]
        given = random.normal(size=(2, *inner.input_shape[1:])).astype(np.float32)
        found = keras.Model(inner.inputs, outputs)(given)
        for layer, output in zip(inner.layers, found, strict=True):
            yield f"{network.name}: {layer.name}", np.asarray(output)


def graph(model: keras.Model, inputs: Inputs) -> Layers:
    """The exported graph, and what ONNX Runtime answers with it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"
        to_onnx(model, path)
        yield f"{model.name}: exported graph", np.frombuffer(path.read_bytes(), np.uint8)
        yield f"{model.name}: ONNX Runtime", session(path).run([LOGITS], dict(inputs))[0]


def defaults(texts: list[Text]) -> Layers:
    """What the default classifier is made of."""
    for part in (numpy_and_blas(), solutions(texts), fusion(), frozen("efficientnet", "lite0")):
        yield from part


PARTS = {"defaults": defaults, "language": language, "networks": networks}


def main(part: str) -> None:
    """Print name and digest of every layer."""
    set_up(1, 2)
    for name, values in PARTS[part](listings()):
        digest = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:16]
        print(f"{digest} {name}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
