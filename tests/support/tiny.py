"""A real classifier that takes a moment to make: two ONNX graphs, a vocabulary, a lock."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from serving.classifier import manifest
from serving.classifier.classifier import (
    FUSION_FILE,
    IMAGE_GRAPH,
    LABELS_FILE,
    REFERENCE_FILE,
    TEXT_GRAPH,
)
from serving.classifier.fusion import Blend, Fusion
from serving.classifier.reference import Reference
from serving.encoding.encoders import WordEncoder
from serving.inference import lock
from serving.listing.labels import stored
from tests.support.rakuten import LABELS

CODES = (10, 2583, 2905)
WORDS = ("livre", "piscine", "jeu")
"""Word i speaks for code i, and so does colour i (red, green, blue) of a picture."""

ROTATED = bytes.fromhex("4d4d002a00000008000101120003000000010006")
"""EXIF that says a picture was taken with the camera turned."""

_LENGTHS, _PIECES, _SIZE, _SCALE = (8, 8), 2, 16, 48.0
_PLACES = sum(_LENGTHS)


def text_graph(unused: int = 0) -> onnx.ModelProto:
    """Mean over the words of a row of a table, which has `unused` rows besides."""
    table = np.zeros((2 + len(WORDS) + unused, len(CODES)), np.float32)
    table[2 : 2 + len(WORDS)] = np.eye(len(CODES)) * _SCALE
    nodes = [
        helper.make_node("Gather", ["table", "words"], ["rows"]),
        helper.make_node("ReduceMean", ["rows"], ["logits"], axes=[1], keepdims=0),
    ]
    shapes = {"words": [_PLACES], "pieces": [_PLACES, _PIECES], "shapes": [_PLACES]}
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT32, ["n", *shape])
        for name, shape in shapes.items()
    ]
    return _model(nodes, inputs, {"table": table})


def image_graph() -> onnx.ModelProto:
    """Mean colour."""
    weights = np.eye(3, dtype=np.float32) * 8 / 255
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["colour"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["colour", "weights"], ["logits"]),
    ]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", _SIZE, _SIZE, 3])
    return _model(nodes, [pixels], {"weights": weights})


def _model(
    nodes: list[onnx.NodeProto], given: list[onnx.ValueInfoProto], constants: dict[str, np.ndarray]
) -> onnx.ModelProto:
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", len(CODES)])
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", given, [logits], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def reference() -> Reference:
    """Of products with short texts, a third of each code, some with a bright picture."""
    return Reference.of(
        [
            {
                "code": str(CODES[number % 3]),
                "evidence": "both" if number % 2 else "text",
                "designation_length": 5 + number % 7,
                **({"picture_brightness": 80.0 + number % 20} if number % 2 else {}),
            }
            for number in range(300)
        ],
        axes=[],
    )


def build(folder: Path) -> Path:
    """Make models/classifier and dvc.lock in `folder`; returns the classifier's folder."""
    classifier = folder / "models" / "classifier"
    classifier.mkdir(parents=True)
    onnx.save(text_graph(), classifier / TEXT_GRAPH)
    onnx.save(image_graph(), classifier / IMAGE_GRAPH)
    WordEncoder(WORDS, _LENGTHS, _PIECES, 64).write(classifier)
    none = (0.0,) * len(CODES)
    fusion = Fusion(
        method="stacked",
        codes=CODES,
        prior=(0.5, 0.3, 0.2),
        blends={
            "text": Blend({"text": 1.0}, none),
            "image": Blend({"image": 1.0}, none),
            "both": Blend({"text": 1.0, "image": 1.0}, none),
        },
        precision=0.95,
        thresholds={"text": 0.5, "image": 0.9, "both": 0.5},
    )
    fusion.write(classifier / FUSION_FILE)
    reference().write(classifier / REFERENCE_FILE)
    labels = stored({code: LABELS[code] for code in CODES})
    (classifier / LABELS_FILE).write_text(json.dumps(labels), encoding="utf-8")
    relock(folder)
    return classifier


def relock(folder: Path) -> None:
    """Write manifest and lock of the files as they are now."""
    classifier = folder / "models" / "classifier"
    manifest.write(classifier, {"parameters": {"text": {"model": "tiny"}}, "libraries": {}})
    write_lock(folder)


def write_lock(folder: Path) -> None:
    """Lock the classifier as it is now."""
    files = lock.md5_of_files(folder / "models" / "classifier")
    out = {"path": "models/classifier", "hash": "md5", "md5": lock.directory_hash(files)}
    content = {"schema": "2.0", "stages": {"export": {"cmd": "export", "outs": [out]}}}
    (folder / "dvc.lock").write_text(yaml.safe_dump(content), encoding="utf-8")


def enlarge(folder: Path, unused: int) -> None:
    """Lock a classifier whose text graph is larger: `unused` rows of 12 bytes."""
    onnx.save(text_graph(unused), folder / "models" / "classifier" / TEXT_GRAPH)
    relabel(folder, LABELS[CODES[0]].name)


def relabel(folder: Path, french: str) -> None:
    """Make another classifier of it, and lock that: the first code has another name."""
    classifier = folder / "models" / "classifier"
    labels = json.loads((classifier / LABELS_FILE).read_text("utf-8"))
    labels[str(CODES[0])]["french"] = french
    (classifier / LABELS_FILE).write_text(json.dumps(labels), encoding="utf-8")
    manifest.write(classifier, {"parameters": {"text": {"model": "tiny"}}, "libraries": {}})
    write_lock(folder)


def measure(folder: Path, figures: dict[str, float]) -> None:
    """Lock what was measured of the classifier as it is now."""
    path = folder / lock.MEASURED
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(figures), encoding="utf-8")
    locked = folder / "dvc.lock"
    content = yaml.safe_load(locked.read_text("utf-8"))
    [classifier] = content["stages"]["export"]["outs"]
    made = {"path": lock.MEASURED.as_posix(), "md5": lock.md5_of_files(path.parent)[path.name]}
    content["stages"]["evaluate"] = {"deps": [classifier], "outs": [made]}
    locked.write_text(yaml.safe_dump(content), encoding="utf-8")


def picture(
    colour: str = "green", kind: str = "JPEG", mode: str = "RGB", size: int = 64, **options: object
) -> bytes:
    """An encoded picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), colour).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def sixteen_bit() -> bytes:
    """A PNG of 16 bits a pixel."""
    buffer = io.BytesIO()
    Image.new("I;16", (64, 64), 30_000).save(buffer, "PNG")
    return buffer.getvalue()


def animation(kind: str, colour: str = "green") -> bytes:
    """A picture that moves: one of `colour`, then a white one."""
    buffer = io.BytesIO()
    first, second = (Image.new("RGB", (64, 64), of) for of in (colour, "white"))
    first.save(buffer, kind, save_all=True, append_images=[second], duration=50)
    return buffer.getvalue()
