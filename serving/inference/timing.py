"""The classifier with a stop watch in it: it observes what takes how long, and ends what takes
too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from prometheus_client import Histogram

from serving.classifier.classifier import Classifier, TextGraph
from serving.classifier.fusion import Branch
from serving.classifier.prediction import Pictured
from serving.listing.images import MAX_PIXELS, ImageError, decode
from serving.listing.text import Text

DECODE_SECONDS = 0.5
"""Processor time after which a picture is given up; one of a catalogue takes a few milliseconds."""


class TimedSession:
    """An ONNX Runtime session that adds up, for each thread, the seconds it runs."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._thread = threading.local()

    def get_inputs(self) -> Any:
        return self._session.get_inputs()

    def run(self, outputs: Sequence[str], inputs: dict[str, np.ndarray]) -> Any:
        started = time.perf_counter()
        answer = self._session.run(outputs, inputs)
        self._thread.seconds = self.seconds() + time.perf_counter() - started
        return answer

    def seconds(self) -> float:
        """Seconds run in this thread so far."""
        return float(getattr(self._thread, "seconds", 0.0))


class TimedClassifier(Classifier):
    """Answers as `Classifier` does, and observes in `seconds` (branch, step) what took how long."""

    seconds: Histogram | None = None
    max_pixels: int = MAX_PIXELS

    def __init__(self, *, texts: Mapping[Branch, TextGraph], image: Any, **parts: Any) -> None:
        self._timed = {branch: TimedSession(graph.session) for branch, graph in texts.items()}
        timed = {b: replace(graph, session=self._timed[b]) for b, graph in texts.items()}
        if image:
            image = self._timed["image"] = TimedSession(image)
        super().__init__(texts=timed, image=image, **parts)

    def _text_logits(
        self, branch: Branch, texts: Sequence[Text]
    ) -> tuple[np.ndarray, list[float | None]]:
        session, started = self._timed[branch], time.perf_counter()
        before = session.seconds()
        answer = super()._text_logits(branch, texts)
        inference = session.seconds() - before
        self._observe(branch, "inference", inference)
        self._observe(branch, "decode", time.perf_counter() - started - inference)
        return answer

    def decode(self, picture: bytes) -> np.ndarray:
        """As the classifier's own, of pictures that cost no more than a service can bear."""
        if self.image_size is None:
            return super().decode(picture)
        started = time.perf_counter()
        try:
            return decode(
                picture, self.image_size, max_pixels=self.max_pixels, seconds=DECODE_SECONDS
            )
        finally:
            self._observe("image", "decode", time.perf_counter() - started)

    def _image_logits(self, picture: bytes | np.ndarray | None) -> Pictured | ImageError | None:
        session = self._timed.get("image")
        before = session.seconds() if session else 0.0
        answer = super()._image_logits(picture)
        if session and isinstance(answer, Pictured):
            self._observe("image", "inference", session.seconds() - before)
        return answer

    def _observe(self, branch: str, step: str, seconds: float) -> None:
        if self.seconds is not None:
            self.seconds.labels(branch, step).observe(seconds)
