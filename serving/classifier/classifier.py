"""The exported classifier: products in, coded products out. What is measured is what is served."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, cast

import numpy as np

from serving.classifier import manifest
from serving.classifier.fusion import Branch, BranchLogits, Fusion, State, states
from serving.classifier.levels import Level, Levels, standing
from serving.classifier.prediction import Logits, Pictured, Prediction, Product
from serving.classifier.reference import Reference
from serving.classifier.runtime import ort
from serving.classifier.traits import PictureTraits, TextTraits, Traits
from serving.encoding.encoders import Encoder, read_encoder
from serving.listing.images import ImageError, decode
from serving.listing.labels import Labels, read_labels
from serving.listing.text import Text, normalise_listing

TEXT_GRAPH = "text.onnx"
LANGUAGE_GRAPH = "language.onnx"
IMAGE_GRAPH = "image.onnx"
FUSION_FILE = "fusion.json"
LABELS_FILE = "labels.json"
REFERENCE_FILE = "reference.json"
LOGITS = "logits"
"""Name of the only output of each graph: float32 [n, codes]."""

_TEXT_BATCH = 32
_NO_IMAGE_BRANCH = "this classifier has no image branch; it can be asked about texts only"


@dataclass(frozen=True)
class TextGraph:
    """A graph of texts, with the encoder that makes its inputs."""

    encoder: Encoder
    session: ort.InferenceSession


class Classifier:
    """The graphs of all branches with their fusion, run by ONNX Runtime on `threads` threads."""

    def __init__(
        self,
        *,
        about: dict[str, Any],
        labels: Labels,
        fusion: Fusion,
        texts: Mapping[Branch, TextGraph],
        image: ort.InferenceSession | None,
        reference: Reference | None = None,
        threads: int = 1,
    ) -> None:
        self.manifest = about
        self.labels = labels
        self.fusion = fusion
        self.codes = fusion.codes
        self.levels = Levels.of(labels)
        self.reference = reference or Reference.unknown()
        self._texts = texts
        self._image = image
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="classifier")
        self.image_size: int | None = image.get_inputs()[0].shape[1] if image else None

    @classmethod
    def load(cls, folder: Path, threads: int | None = None, *, fast: bool = False) -> Self:
        """Verify `folder` against its manifest and load it.

        `threads` bounds concurrent inferences (default: the processors this process may use);
        `fast` is that of `session`.
        Raises manifest.ManifestError when the folder is not what its manifest says.
        """
        about = manifest.read_verified(folder)
        graphs = {name: folder / name for name in (TEXT_GRAPH, LANGUAGE_GRAPH, IMAGE_GRAPH)}
        sessions = {
            name: session(path, fast=fast) for name, path in graphs.items() if path.exists()
        }
        texts: dict[Branch, TextGraph] = {}
        if TEXT_GRAPH in sessions:
            texts["text"] = TextGraph(read_encoder(folder), sessions[TEXT_GRAPH])
        if LANGUAGE_GRAPH in sessions:
            from serving.encoding.subwords import SubwordEncoder  # costs who has no such branch

            texts["language"] = TextGraph(SubwordEncoder.read(folder), sessions[LANGUAGE_GRAPH])
        reference = folder / REFERENCE_FILE
        return cls(
            about=about,
            labels=read_labels(folder / LABELS_FILE),
            fusion=Fusion.read(folder / FUSION_FILE),
            texts=texts,
            image=sessions.get(IMAGE_GRAPH),
            reference=Reference.read(reference) if reference.exists() else None,
            threads=threads or len(os.sched_getaffinity(0)),
        )

    def close(self) -> None:
        """Stop the worker threads."""
        self._pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def predict(self, products: Sequence[Product]) -> list[Prediction]:
        """Answer every product, in order.

        A product without usable text and picture is answered with the prior and never accepted.
        """
        logits, traits = self._read(products)
        answers = zip(self.decide(logits), traits, strict=True)
        return [replace(prediction, traits=its_traits) for prediction, its_traits in answers]

    def logits(self, products: Sequence[Product]) -> Logits:
        """What each branch says of every product, in order."""
        return self._read(products)[0]

    def _read(self, products: Sequence[Product]) -> tuple[Logits, list[Traits]]:
        """Logits, and the traits of every product."""
        # A single picture is worth the way to another thread and back if it has to wait there.
        several = self._pool.map if len(products) > 1 or "language" in self._texts else map
        pictures = several(self._image_logits, [product.image for product in products])
        texts = [normalise_listing(p.designation, p.description) for p in products]
        branches, has_text, traits = self._read_texts(texts)
        has_image = np.zeros(len(products), bool)
        errors: list[str | None] = [None] * len(products)
        image = np.zeros((len(products), len(self.codes)), np.float32)
        for row, answer in enumerate(pictures):
            if isinstance(answer, ImageError):
                errors[row] = str(answer)
            elif answer is not None:
                image[row], has_image[row] = answer.logits, True
                traits[row] = replace(traits[row], picture=answer.traits)
        return Logits({**branches, "image": image}, has_text, has_image, errors), traits

    def decide(self, logits: Logits) -> list[Prediction]:
        """Predictions from what `logits` returned, or from a part of it, to ask one branch."""
        branches, has_text, has_image, errors = logits
        probabilities = self.fusion.probabilities(branches, has_text, has_image)
        best = probabilities.argmax(axis=1)
        confidence = probabilities.max(axis=1)
        state = states(has_text, has_image)
        accepted = self.fusion.accepted(confidence, state, best)
        above = self._above(probabilities, best, state, accepted)
        return [
            Prediction(
                code=self.codes[best[row]],
                label=self.labels[self.codes[best[row]]].name,
                confidence=float(confidence[row]),
                accepted=bool(accepted[row]),
                state=cast("State", str(state[row])),
                probabilities=probabilities[row],
                image_error=error,
                above=above[row],
            )
            for row, error in enumerate(errors)
        ]

    def _above(
        self, p: np.ndarray, best: np.ndarray, state: np.ndarray, accepted: np.ndarray
    ) -> list[tuple[Level, ...]]:
        """What each answer stands under."""
        if not len(self.levels):
            return [()] * len(best)
        confidence = self.levels.confidence(p, best)
        least = self.fusion.least_of_levels(state, len(self.levels))
        stands = standing(confidence, accepted, least)
        names, nodes = self.levels.names, self.levels.nodes
        return [
            tuple(
                Level(code, label, float(confidence[level, row]), bool(stands[level, row]))
                for level, node in enumerate(nodes[:, column])
                if node >= 0
                for code, label in [names[node]]
                if code != self.codes[column]
            )
            for row, column in enumerate(best)
        ]

    def text_logits(self, texts: Sequence[Text]) -> BranchLogits:
        """Logits, float32 [n, codes], of normalised texts, of each branch that reads them; zero for
        an empty one."""
        return self._read_texts(texts)[0]

    def decode(self, picture: bytes) -> np.ndarray:
        """The picture as the image branch sees it, uint8 [image_size, image_size, 3].

        Raises ImageError: it cannot be used; ValueError: there is no image branch.
        """
        if self.image_size is None:
            raise ValueError(_NO_IMAGE_BRANCH)
        return decode(picture, self.image_size)

    def pixel_logits(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Logits, float32 [n, codes], of decoded pictures, uint8 [image_size, image_size, 3] each.

        Raises ValueError: there is no image branch.
        """
        return np.stack(list(self._pool.map(self._pixel_logits, pictures)))

    def _read_texts(
        self, texts: Sequence[Text]
    ) -> tuple[dict[Branch, np.ndarray], np.ndarray, list[Traits]]:
        """Logits of each branch, float32 [n, codes], zero for an empty text, bool [n]: which texts
        are read, and the traits of these."""
        has_text = np.array([bool(self._texts) and not text.empty for text in texts], bool)
        # Texts of similar length go together: a batch is as long as its longest text.
        rows = np.flatnonzero(has_text).tolist()
        rows.sort(key=lambda row: len(texts[row].designation) + len(texts[row].description))
        logits: dict[Branch, np.ndarray] = {}
        traits = [Traits()] * len(texts)
        for branch in self._texts:
            logits[branch] = np.zeros((len(texts), len(self.codes)), np.float32)
            for start in range(0, len(rows), _TEXT_BATCH):
                batch = rows[start : start + _TEXT_BATCH]
                logits[branch][batch], rarity = self._text_logits(branch, [texts[r] for r in batch])
                for row, rare in zip(batch, rarity, strict=True):
                    if traits[row].text is None:
                        traits[row] = Traits(text=TextTraits.of(texts[row], rare))
        return logits, has_text, traits

    def _text_logits(
        self, branch: Branch, texts: Sequence[Text]
    ) -> tuple[np.ndarray, list[float | None]]:
        """What a branch says of texts of which none is empty, float32 [n, codes], and how rare its
        encoder finds each."""
        graph = self._texts[branch]
        inputs, rarity = graph.encoder.encode_with_rarity(texts)
        (logits,) = graph.session.run([LOGITS], inputs)
        return logits, rarity

    def _image_logits(self, picture: bytes | np.ndarray | None) -> Pictured | ImageError | None:
        """Of one picture, one at a time: batching gains nothing on a processor."""
        if self._image is None or picture is None or not len(picture):
            return None
        try:
            pixels = self.decode(picture) if isinstance(picture, bytes) else picture
            size = len(picture) if isinstance(picture, bytes) else None
            logits = self._pixel_logits(pixels)
            return Pictured(logits, PictureTraits.of(pixels, size))
        except ImageError as error:
            return error

    def _pixel_logits(self, pixels: np.ndarray) -> np.ndarray:
        if self._image is None:
            raise ValueError(_NO_IMAGE_BRANCH)
        name = self._image.get_inputs()[0].name
        (logits,) = self._image.run([LOGITS], {name: pixels[np.newaxis]})
        return np.asarray(logits[0])


def session(graph: Path, *, fast: bool = False) -> ort.InferenceSession:
    """An ONNX Runtime session on one thread: concurrency comes from running several at once.

    It answers with the same bits on every x86-64 processor with AVX2 and FMA, or else is `fast`:
    pictures are then laid out in blocks as wide as the processor's registers, which adds in
    another order.
    """
    options = ort.SessionOptions()
    if not fast:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
