"""What was answered goes into the window of drift and into the prediction log, in a thread."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from serving.classifier.prediction import Prediction, Product
from serving.classifier.record import Record
from serving.inference.drift import Window
from serving.logs import RotatedFile
from serving.settings import Settings

logger = logging.getLogger("serving")

WAITING = 256
"""Calls whose answers may wait; further ones are left out."""

CHARACTERS = 1000
"""Of designation and of description that the log holds, where it holds them."""


class Answered(NamedTuple):
    """What the classifier with the lock hash `model` said of products, in order; of these no more
    than the log holds, for it would be much to keep."""

    window: Window
    model: str
    products: list[Product]
    answers: Sequence[Prediction]
    time: datetime


class Recorder:
    """Takes answers and returns at once; a thread counts them, and writes them where `settings`
    say.

    What the disk or the processor cannot keep up with is left out and said once: nobody waits for
    an answer because of it.
    """

    def __init__(self, settings: Settings) -> None:
        self._text = settings.predictions_text
        path = settings.predictions_path
        size, files = settings.predictions_bytes, settings.predictions_files
        self._file = None if path is None else RotatedFile(path, size, files)
        self._queue: queue.Queue[Answered | None] = queue.Queue(WAITING)
        self._leaving_out = False
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    def put(
        self,
        window: Window,
        model: str,
        products: Sequence[Product],
        answers: Sequence[Prediction],
    ) -> None:
        """Record `answers` of the classifier with the lock hash `model`; those that rest on nothing
        are left out."""
        kept = [self._kept(product) for product in products] if self._file else []
        try:
            self._queue.put_nowait(Answered(window, model, kept, answers, datetime.now(UTC)))
            self._leaving_out = False
        except queue.Full:
            if not self._leaving_out:
                logger.warning("answers are left out of drift and of the prediction log: too many")
            self._leaving_out = True

    def close(self) -> None:
        """Record what waits, as far as it takes no longer than two seconds, and stop; blocks."""
        try:
            self._queue.put(None, timeout=1)
        except queue.Full:
            return
        self._thread.join(timeout=1)

    def _kept(self, product: Product) -> Product:
        """What the log may hold of a product: never its picture."""
        if not self._text:
            return Product(identifier=product.identifier)
        designation, description = (
            text and text[:CHARACTERS] for text in (product.designation, product.description)
        )
        return Product(designation, description, identifier=product.identifier)

    def _work(self) -> None:
        while (answered := self._queue.get()) is not None:
            try:
                self._record(answered)
            except Exception:
                logger.exception("answers are left out of drift and of the prediction log")
        if self._file is not None:
            self._file.close()

    def _record(self, answered: Answered) -> None:
        answered.window.add([answer for answer in answered.answers if answer.state != "none"])
        if self._file is None:
            return
        for product, answer in zip(answered.products, answered.answers, strict=True):
            if answer.state != "none":
                line = self._line(answered, product, answer)
                self._file.handle(logging.makeLogRecord({"msg": line}))

    def _line(self, answered: Answered, product: Product, answer: Prediction) -> str:
        """One answer as JSON."""
        record = Record.of(
            answered.time.isoformat(timespec="milliseconds"),
            answered.model,
            product,
            answer,
            answered.window.reference.values(answer),
        )
        if not self._text:
            return record.line()
        return record.line(designation=product.designation, description=product.description)
