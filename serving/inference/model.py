"""The locked classifier in the service: verified, loaded, warmed, and asked off the event loop."""

from __future__ import annotations

import asyncio
import io
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from PIL import Image

from serving.classifier.classifier import Prediction, Product
from serving.classifier.explaining import Explanation, explain
from serving.http.problems import busy
from serving.inference import lock
from serving.inference.timing import TimedClassifier
from serving.inference.work import Left, Workers
from serving.metrics import Metrics
from serving.settings import Settings

logger = logging.getLogger("serving")

T = TypeVar("T")

_WARM_UPS = 2

_TEXTS_AT_ONCE = 32
"""Products without a picture that one call answers, of a batch."""


class Model:
    """The classifier, its lock hash and its measured quality; there once `load` has returned."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.hash = ""
        self.measured: dict[str, Any] | None = None
        self._settings = settings
        self._metrics = metrics
        self._classifier: TimedClassifier | None = None
        self._threads = settings.threads or len(os.sched_getaffinity(0))
        self._workers = Workers(self._threads, settings.queue, "inference")
        metrics.queue.set_function(lambda: self._workers.waiting)
        metrics.running.set_function(lambda: self._workers.running)

    @property
    def loaded(self) -> bool:
        """Whether the classifier is verified, loaded and warm."""
        return self._classifier is not None

    @property
    def classifier(self) -> TimedClassifier:
        """The loaded classifier. Raises Problem 503 before it is there."""
        if self._classifier is None:
            raise busy("The classifier is being loaded.")
        return self._classifier

    def load(self) -> None:
        """Verify the folder against its lock, load it, and answer a product of each kind once.

        Raises lock.LockError, or manifest.ManifestError when the manifest disagrees.
        """
        settings = self._settings
        fast = settings.inference == "fast"
        with lock.private_copy(settings.model) as copy:
            locked = lock.verify(settings.model, settings.lock, copy=copy)
            if settings.model_hash not in (None, locked.hash):
                raise lock.LockError(
                    f"{settings.lock} locks {locked.hash}; SERVING_MODEL_HASH is "
                    f"{settings.model_hash}"
                )
            classifier = TimedClassifier.load(copy, self._threads, fast=fast)
        _warm(classifier)
        classifier.seconds = self._metrics.branch_seconds
        classifier.max_pixels = settings.max_pixels
        self.hash, self.measured = locked.hash, locked.measured
        self._classifier = classifier
        self._metrics.model.labels(locked.hash).set(1)
        about = {"model": locked.hash, "inference": settings.inference}
        logger.info("classifier ready", extra=about)

    async def load_in_background(self) -> None:
        """`load` in a thread."""
        await asyncio.to_thread(self.load)

    async def ask(
        self,
        question: Callable[[TimedClassifier], T],
        left: Left | None,
        asker: str,
        *,
        continued: bool = False,
    ) -> T:
        """What `question` makes of the classifier, run in a thread once it is `asker`'s turn.

        Raises Problem: 503 when not loaded or when the queue is full, 499 when the client left.
        """
        classifier = self.classifier
        return await self._workers.run(
            lambda: question(classifier), left, asker=asker, continued=continued
        )

    async def predict(
        self, products: Sequence[Product], left: Left | None, asker: str
    ) -> list[Prediction]:
        """Answers in order. Raises Problem as `ask` does.

        A batch is asked in parts, as many at once as there are threads, so that others get their
        turn and nobody computes for who has left.
        """
        answers: list[Prediction] = []
        # One product that needs not wait is answered before its client could leave.
        watched = left if len(products) > 1 or self._workers.occupied else None
        parts = list(_parts(products))
        for start in range(0, len(parts), self._threads):
            together = parts[start : start + self._threads]
            found = await asyncio.gather(
                *(
                    self.ask(
                        lambda classifier, part=part: classifier.predict(part),  # type: ignore[misc]
                        watched if part is together[0] else None,
                        asker,
                        continued=part is not parts[0],
                    )
                    for part in together
                )
            )
            answers += [answer for part in found for answer in part]
        for answer in answers:
            if answer.state != "none":
                accepted = "true" if answer.accepted else "false"
                self._metrics.predictions.labels(str(answer.code), accepted).inc()
                self._metrics.confidence.observe(answer.confidence)
        return answers

    async def explain(
        self, product: Product, left: Left | None, asker: str
    ) -> tuple[Prediction, Explanation | None]:
        """One answer, with what moved it. Raises Problem as `predict` does.

        People ask it of products that were answered before: the metrics of answers and of
        confidence, in which a changing catalogue shows, leave it out.
        """
        return await self.ask(lambda classifier: explain(classifier, product), left, asker)

    def close(self) -> None:
        """Stop the threads; what still runs is refused and not waited for."""
        classifier, self._classifier = self._classifier, None
        if classifier is not None and not self._workers.running:
            classifier.close()
        self._workers.abandon()


def _parts(products: Sequence[Product]) -> Iterator[list[Product]]:
    """`products` in order, in parts of a single picture or at most _TEXTS_AT_ONCE texts."""
    part: list[Product] = []
    for product in products:
        pictured = any(earlier.image is not None for earlier in (*part, product))
        if part and (pictured or len(part) == _TEXTS_AT_ONCE):
            yield part
            part = []
        part.append(product)
    if part:
        yield part


def _warm(classifier: TimedClassifier) -> None:
    """The first run of a graph allocates its memory: do that before anyone waits for it."""
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(picture, "JPEG")
    product = Product("livre", "un livre", picture.getvalue())
    for _ in range(_WARM_UPS):
        classifier.predict([product])
