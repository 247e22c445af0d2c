"""Turn the trained branches into the classifier that is measured and served.

Reads models/text, models/language (with data/language), models/image and models/fusion; writes
models/classifier: ONNX graphs, encoders, labels, fusion, the reference of drift and the manifest.
Refuses when a graph does not answer as its Keras model does.
"""

from __future__ import annotations

import importlib.metadata
import shutil
from pathlib import Path

import numpy as np

from serving.classifier import manifest
from serving.classifier.classifier import (
    FUSION_FILE,
    IMAGE_GRAPH,
    LABELS_FILE,
    LANGUAGE_GRAPH,
    REFERENCE_FILE,
    TEXT_GRAPH,
)
from serving.classifier.fusion import READS, Branch, Fusion
from serving.encoding.encoders import read_encoder
from stages.common.held_out import HeldOut
from stages.common.keras_setup import keras, set_up
from stages.common.paths import (
    ARCHIVE,
    BRANCHES,
    CLASSIFIER,
    FUSION,
    HELD_OUT,
    IMAGE_BRANCH,
    LABELS,
    LANGUAGE,
    LANGUAGE_BRANCH,
    TEXT_BRANCH,
)
from stages.common.products import prepared_labels, read_part
from stages.common.settings import NoImage, NoLanguage, NoText, Settings, load
from stages.encoders.pretrained import Pretrained
from stages.graphs.conversion import ExportError, answers, to_onnx
from stages.graphs.reference import reference
from stages.image.registry import image_model
from stages.language.registry import language_model
from stages.pictures.archive import PictureArchive
from stages.pictures.decoding import decode_chunk
from stages.text import registry
from stages.text.texts import with_texts

TOLERANCE = 1e-4
"""Largest difference between Keras and ONNX Runtime, in calibrated probabilities, on real rows."""

FAST_TOLERANCE = 1e-5
"""Likewise between ONNX Runtime's exact and fast inference. The manifest says this bound: what was
measured varies by processor, and would make equal results look different."""

_CHECKED = 64
_PLACES = {"folder", "watched"}  # on this machine
_LIBRARIES = ("tensorflow", "keras", "onnx", "tf2onnx", "onnxruntime", "numpy", "pillow")


def check(branch: Branch, model: keras.Model, graph: Path, inputs: dict[str, np.ndarray]) -> None:
    """Raise ExportError when the graph's calibrated probabilities differ from the model's, or those
    of its fast inference from the exact ones."""
    blend = Fusion.read(FUSION).blends[READS[branch]]
    trained, exact, fast = (
        blend.probabilities({other: z * (other == branch) for other in blend.weights})
        for z in answers(model, graph, inputs)
    )
    for one, other, what, tolerance in (
        (trained, exact, "Keras and ONNX Runtime", TOLERANCE),
        (exact, fast, "exact and fast inference", FAST_TOLERANCE),
    ):
        difference = float(np.abs(one - other).max(initial=0.0))
        print(f"{branch}: {what} differ by {difference:.1e} on {len(one)} products")
        if not difference <= tolerance:
            raise ExportError(f"{graph}: {what} differ by {difference:.1e}; at most {tolerance}")


def export_text(settings: Settings, codes: int) -> None:
    """The text graph and its encoder."""
    if isinstance(settings.text, NoText):
        return
    encoder, model = registry.load(settings.text, TEXT_BRANCH, codes)
    encoder.write(CLASSIFIER)
    to_onnx(model, CLASSIFIER / TEXT_GRAPH)
    _, texts = with_texts(read_part("validation"))
    check("text", model, CLASSIFIER / TEXT_GRAPH, encoder.encode(texts[:_CHECKED]))


def export_language(settings: Settings, codes: int) -> None:
    """The language graph, tokens to logits, and its tokenizer."""
    language = settings.language
    if isinstance(language, NoLanguage):
        return
    encoder = Pretrained.read(LANGUAGE).encoder
    encoder.write(CLASSIFIER)
    model = language_model(language).load(language, LANGUAGE_BRANCH, LANGUAGE, codes)
    to_onnx(model, CLASSIFIER / LANGUAGE_GRAPH)
    _, texts = with_texts(read_part("validation"))
    check("language", model, CLASSIFIER / LANGUAGE_GRAPH, encoder.encode(texts[:_CHECKED]))


def export_image(settings: Settings, codes: int) -> None:
    """The image graph: pixels to logits, the frozen network included."""
    image = settings.image
    if isinstance(image, NoImage):
        return
    model = image_model(image).load(image, IMAGE_BRANCH, codes)
    to_onnx(model, CLASSIFIER / IMAGE_GRAPH)
    entries = read_part("validation").query("picture != ''")["picture"].head(_CHECKED)
    with PictureArchive(ARCHIVE) as archive:
        pixels = decode_chunk(archive, list(entries), image.size).pixels
    check("image", model, CLASSIFIER / IMAGE_GRAPH, {"pixels": pixels})


def export_reference(settings: Settings) -> None:
    """What held-out products look like: the service compares with it what it is asked."""
    with PictureArchive(ARCHIVE) as archive:
        reference(
            read_part("validation"),
            archive,
            Fusion.read(FUSION),
            None if isinstance(settings.text, NoText) else read_encoder(CLASSIFIER),
            {branch: HeldOut.read(folder / HELD_OUT) for branch, folder in BRANCHES.items()},
            settings.image.size,
        ).write(CLASSIFIER / REFERENCE_FILE)


def export() -> None:
    """Run the stage."""
    settings = load()
    set_up(settings.train.seed, settings.train.threads)
    CLASSIFIER.mkdir(parents=True, exist_ok=True)
    codes = len(prepared_labels())
    export_text(settings, codes)
    export_language(settings, codes)
    export_image(settings, codes)
    export_reference(settings)
    shutil.copyfile(FUSION, CLASSIFIER / FUSION_FILE)
    reads_language = not isinstance(settings.language, NoLanguage)
    libraries = (*_LIBRARIES, *(("tokenizers",) if reads_language else ()))
    shutil.copyfile(LABELS, CLASSIFIER / LABELS_FILE)
    manifest.write(
        CLASSIFIER,
        {
            "parameters": {
                "text": settings.text.model_dump(),
                "language": settings.language.model_dump(exclude={"encoder": _PLACES}),
                "image": settings.image.model_dump(exclude={"weights_file"}),
                "train": settings.train.model_dump(),
                "fusion": settings.fusion.model_dump(),
            },
            "fast_inference": {"differs_by_at_most": FAST_TOLERANCE, "products": _CHECKED},
            "libraries": {name: importlib.metadata.version(name) for name in libraries},
        },
    )
