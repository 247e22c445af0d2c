"""Which answers are kept for review: what is not accepted, and a sample of what is."""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from sqlalchemy.exc import SQLAlchemyError

from serving.classifier.prediction import Prediction, Product
from serving.listing.labels import Code, Label
from serving.listing.text import designation_key, normalise
from serving.review.corrections import Answered, Reason, now
from serving.review.queue import Candidate, ReviewQueue, Waiting
from serving.settings import Settings

logger = logging.getLogger("serving")

BEST = 5
"""Codes that are kept of an answer."""

CHARACTERS = 10_000
"""Of designation and of description that are kept."""

PICTURE_BYTES = 2**20
"""Of a picture that is kept, where pictures are."""

_HELD = 1024
_AT_ONCE = 200
_FORGET_SECONDS = 3600


def storable(text: str | None) -> str | None:
    """A text as both databases take it: without NUL and half characters, and bounded."""
    if text is None:
        return None
    return text[:CHARACTERS].replace("\0", "").encode("utf-8", "replace").decode()


def answered(
    product: Product, answer: Prediction, model: str, reason: Reason, *, pictures: bool
) -> Answered:
    """What is kept of a product and its answer; its picture where `pictures` are kept."""
    image = product.image
    small = isinstance(image, bytes) and len(image) <= PICTURE_BYTES
    identifier = product.identifier
    return Answered(
        product=product.key,
        time=now(),
        identifier=None if identifier is None else storable(str(identifier)),
        designation=storable(product.designation),
        description=storable(product.description),
        picture_sha256=product.picture_hash,
        picture=image if pictures and small else None,  # type: ignore[arg-type]  # bytes
        answered=answer.code,
        confidence=answer.confidence,
        accepted=answer.accepted,
        model=model,
        reason=reason,
    )


def near_duplicates(product: Product) -> str:
    """What products share that differ in case, accents, spacing or punctuation of the designation;
    without a designation, the picture; else the product itself."""
    words = designation_key(normalise((product.designation or "")[:CHARACTERS]))
    shown = words or product.picture_hash or product.key
    return hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class AnswerRecorder:
    """Takes answers and returns at once; a thread puts into the queue those worth a look.

    What the database cannot keep up with is left out and said once: nobody waits for an answer
    because of it.
    """

    def __init__(
        self, waiting: ReviewQueue, make_tables: Callable[[], None], settings: Settings
    ) -> None:
        self._waiting = waiting
        self._make_tables = make_tables
        self._sample = settings.review_sample
        self._pictures = settings.review_pictures
        self._days = settings.review_days
        self._keeps = settings.review_queue > 0
        self._queue: queue.Queue[Waiting | None] = queue.Queue(_HELD)
        self._leaving_out = False
        self._forgotten = float("-inf")
        self._thread = threading.Thread(target=self._work, name="review", daemon=True)
        if self._keeps:
            self._thread.start()

    def put(
        self,
        model: str,
        codes: Sequence[Code],
        labels: Mapping[Code, Label],
        products: Sequence[Product],
        answers: Sequence[Prediction],
    ) -> None:
        """Keep of the answers of a classifier, whose `codes` have `labels`, those worth a look."""
        if not self._keeps:
            return
        for product, answer in zip(products, answers, strict=True):
            reason = self._reason(product, answer)
            if reason is None:
                continue
            best = (-answer.probabilities).argsort(kind="stable")[:BEST]
            kept = Waiting(
                **vars(answered(product, answer, model, reason, pictures=self._pictures)),
                label=answer.label,
                predictions=tuple(
                    Candidate(code, labels[code].name, float(answer.probabilities[column]))
                    for column in best
                    for code in [codes[column]]
                ),
                near_duplicates=near_duplicates(product),
            )
            try:
                self._queue.put_nowait(kept)
                self._leaving_out = False
            except queue.Full:
                if not self._leaving_out:
                    logger.warning("answers are left out of the review queue: too many")
                self._leaving_out = True

    def close(self) -> None:
        """Put what waits, as far as it takes no longer than two seconds, and stop; blocks."""
        if not self._keeps:
            return
        try:
            self._queue.put(None, timeout=1)
        except queue.Full:
            return
        self._thread.join(timeout=1)

    def _reason(self, product: Product, answer: Prediction) -> Reason | None:
        if answer.state == "none":
            return None
        if not answer.accepted:
            return "uncertain"
        # By its key: what is asked often is not drawn more often.
        return "sample" if int(product.key[:8], 16) < self._sample * 2**32 else None

    def _work(self) -> None:
        for batch in self._batches():
            try:
                self._make_tables()
                self._waiting.put(batch)
                if time.monotonic() - self._forgotten > _FORGET_SECONDS:
                    self._forgotten = time.monotonic()
                    self._waiting.forget(self._days)
            except (SQLAlchemyError, OSError) as error:
                logger.error("answers are left out of the review queue: %s", type(error).__name__)
            except Exception:
                logger.exception("answers are left out of the review queue")

    def _batches(self) -> Iterator[list[Waiting]]:
        """What was put, as much at once as there is, until the end."""
        while (first := self._queue.get()) is not None:
            batch: list[Waiting] = [first]
            while len(batch) < _AT_ONCE:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    yield batch
                    return
                batch.append(more)
            yield batch
