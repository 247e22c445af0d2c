"""The classifier with a stop watch in it: seconds to decode and seconds to infer, by branch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from prometheus_client import Histogram

from serving.classifier.classifier import Classifier
from serving.listing.images import ImageError
from serving.listing.text import Text

T = TypeVar("T")


class TimedSession:
    """An ONNX Runtime session that adds up, for each thread, the seconds it runs."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._thread = threading.local()

    def get_inputs(self) -> Any:
        """As the session's own."""
        return self._session.get_inputs()

    def run(self, outputs: Sequence[str], inputs: dict[str, np.ndarray]) -> Any:
        """As the session's own."""
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

    def __init__(self, *, text: Any, image: Any, **parts: Any) -> None:
        self._timed = {
            "text": TimedSession(text) if text else None,
            "image": TimedSession(image) if image else None,
        }
        super().__init__(text=self._timed["text"], image=self._timed["image"], **parts)

    def _text_logits(self, texts: Sequence[Text]) -> tuple[np.ndarray, np.ndarray]:
        def run() -> tuple[np.ndarray, np.ndarray]:
            return super(TimedClassifier, self)._text_logits(texts)

        return run() if all(text.empty for text in texts) else self._observe("text", run)

    def _image_logits(self, data: bytes | None) -> np.ndarray | ImageError | None:
        if not data:
            return None
        return self._observe("image", lambda: super(TimedClassifier, self)._image_logits(data))

    def _observe(self, branch: str, work: Callable[[], T]) -> T:
        session = self._timed[branch]
        if session is None or self.seconds is None:
            return work()
        before, started = session.seconds(), time.perf_counter()
        answer = work()
        total, inference = time.perf_counter() - started, session.seconds() - before
        self.seconds.labels(branch, "inference").observe(inference)
        self.seconds.labels(branch, "decode").observe(total - inference)
        return answer
