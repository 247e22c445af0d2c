"""From a folder to a classifier that may answer: copied, held to its lock, loaded, warmed."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from prometheus_client import Histogram

from serving.classifier.prediction import Product
from serving.inference import lock, signature
from serving.inference.drift import Window
from serving.inference.timing import TimedClassifier
from serving.listing.labels import Code
from serving.metrics import MOST_CODES
from serving.settings import Settings

_WARM_UPS = 2


@dataclass(frozen=True)
class Loaded:
    """A classifier that may answer, its lock hash, what the pipeline measured of it and the same as
    a `report` for people, what it was asked of late, which of its codes are counted each by itself,
    and since when it is loaded, in seconds since 1970.

    It is freed with the last request that holds it.
    """

    classifier: TimedClassifier
    hash: str
    measured: dict[str, Any] | None
    report: dict[str, Any]
    window: Window
    counted: frozenset[Code]
    since: float


def load(settings: Settings, threads: int, seconds: Histogram, private: Path) -> Loaded:
    """Verify the folder against its lock, load it, and answer a product of each kind once.

    `threads` and `seconds` are those of the classifier; it is loaded from a copy in `private`, a
    lock.private_folder. Raises lock.LockError, manifest.ManifestError when the manifest disagrees,
    or signature.SignatureError.
    """
    fast = settings.inference == "fast"
    copy = lock.copied(settings.model, private)
    if settings.public_key is not None:
        signature.verify(copy, settings)
    locked = lock.verify(settings.model, settings.lock, copy=copy)
    if settings.model_hash not in (None, locked.hash):
        raise lock.LockError(
            f"{settings.lock} locks {locked.hash}; SERVING_MODEL_HASH is {settings.model_hash}"
        )
    classifier = TimedClassifier.load(copy, threads, fast=fast)
    _warm(classifier)
    classifier.seconds = seconds
    classifier.max_pixels = settings.max_pixels
    window = Window(classifier.reference, settings.drift_window, settings.drift_tolerated)
    counted = classifier.fusion.most_frequent(MOST_CODES)
    return Loaded(
        classifier, locked.hash, locked.measured, locked.report, window, counted, time.time()
    )


def _warm(classifier: TimedClassifier) -> None:
    """The first run of a graph allocates its memory: do that before anyone waits for it."""
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(picture, "JPEG")
    product = Product("livre", "un livre", picture.getvalue())
    for _ in range(_WARM_UPS):
        classifier.predict([product])
