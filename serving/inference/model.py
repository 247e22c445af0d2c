"""The locked classifier in the service: asked off the event loop, replaced between two requests."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Literal, TypeVar

from serving.classifier.explaining import Explanation, explain
from serving.classifier.prediction import Prediction, Product
from serving.errors import ClientDisconnected, ServiceError, Unavailable
from serving.inference import lock, signature
from serving.inference.loading import Loaded, load
from serving.inference.recording import Recorder
from serving.inference.timing import TimedClassifier
from serving.metrics import OTHER_CODES, Metrics
from serving.review.recording import AnswerRecorder
from serving.settings import Settings
from serving.workers import Workers

logger = logging.getLogger("serving")

T = TypeVar("T")
Disconnected = Callable[[], Awaitable[None]]
"""Returns once the client has disconnected."""

_TEXTS_AT_ONCE = 32
"""Products without a picture that one call answers, of a batch."""


@dataclass(frozen=True)
class Reload:
    """What became of a reload, the lock hash that answers now, and why it was refused."""

    outcome: Literal["loaded", "unchanged", "refused"]
    model: str
    reason: str = ""


class Model:
    """The classifier that answers, there once `start` has returned, and the threads that ask it.

    A request takes `current` once and is answered by that to its end, whatever is loaded meanwhile.
    """

    def __init__(
        self, settings: Settings, metrics: Metrics, review: AnswerRecorder | None = None
    ) -> None:
        """`review` keeps the answers that are worth a look.

        Raises SettingsError when a signature is demanded that could not be verified.
        """
        signature.check(settings)
        self._settings = settings
        self._metrics = metrics
        self._loaded: Loaded | None = None
        self._loading = asyncio.Lock()
        self._threads = settings.threads or len(os.sched_getaffinity(0))
        self._recorder = Recorder(settings)
        self._review = review
        # One of its own: those of the event loop are waited for in the end.
        self._loader = ThreadPoolExecutor(1, "loading")
        self._workers = Workers(self._threads, settings.queue, "inference")
        metrics.queue.set_function(lambda: self._workers.waiting)
        metrics.running.set_function(lambda: self._workers.running)

    @property
    def loaded(self) -> bool:
        """Whether a classifier is verified, loaded and warm."""
        return self._loaded is not None

    @property
    def current(self) -> Loaded:
        """The classifier that answers. Raises Unavailable before it is there."""
        if self._loaded is None:
            raise Unavailable("The classifier is being loaded.")
        return self._loaded

    @property
    def hash(self) -> str:
        """Lock hash of the classifier that answers; "" without one."""
        return self._loaded.hash if self._loaded else ""

    async def start(self) -> None:
        """Load the classifier. Raises as `load` does."""
        async with self._loading:
            self._take(await self._load())

    async def reload(self) -> Reload:
        """Look at folder and lock again, and answer with what they hold from the next request on.

        What cannot be served is refused, logged and counted: the former classifier stays. A
        reload waits for the one before it; for a moment both classifiers are in memory.
        """
        async with self._loading:
            try:
                outcome = await self._replace()
            except Exception as error:  # of whatever kind: what answers must go on
                foreseen = isinstance(error, (ServiceError, RuntimeError, ValueError, OSError))
                result = Reload("refused", self.hash, str(error) if foreseen else repr(error))
                message = "the classifier is not replaced: %s"
                logger.error(message, result.reason, extra={"model": result.model})
            else:
                result = Reload(outcome, self.hash)
        self._metrics.reloads.labels(result.outcome).inc()
        return result

    async def _replace(self) -> Literal["loaded", "unchanged"]:
        """Raises as `load` does, and RuntimeError without a classifier to be replaced."""
        folder, lock_file = self._settings.model, self._settings.lock
        locked = await asyncio.to_thread(lock.read_lock, folder, lock_file)
        fresh = None if locked.hash == self.hash else await self._load()
        if self._loaded is None:
            raise RuntimeError("nothing to replace: the service is starting or stopping")
        if fresh is None:  # what was measured may have come after it
            self._answer_with(replace(self._loaded, measured=locked.measured, report=locked.report))
            logger.info("classifier unchanged", extra={"model": self.hash})
            return "unchanged"
        self._take(fresh)
        return "loaded"

    async def _load(self) -> Loaded:
        """What is cancelled goes on in its thread to no effect, and leaves nothing behind."""
        given = self._settings, self._threads, self._metrics.branch_seconds
        with lock.private_folder() as private:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._loader, load, *given, private)

    def _take(self, fresh: Loaded) -> None:
        """From now on `fresh` answers."""
        about = {"model": fresh.hash, "inference": self._settings.inference}
        if self._loaded is not None:
            about["before"] = self._loaded.hash
            self._metrics.model.remove(self._loaded.hash)
        self._answer_with(fresh)
        fresh.window.show(self._metrics)
        self._metrics.model.labels(fresh.hash).set(1)
        logger.info("classifier ready", extra=about)

    def _answer_with(self, loaded: Loaded) -> None:
        self._loaded = loaded
        accepted = (loaded.measured or {}).get("accepted", {})
        self._metrics.accepted_share.set(accepted.get("coverage", 0))

    async def ask(
        self,
        loaded: Loaded,
        question: Callable[[TimedClassifier], T],
        asker: str,
        *,
        continued: bool = False,
    ) -> T:
        """What `question` makes of the classifier, run in a thread once it is `asker`'s turn.

        Raises as `Workers.run` does.
        """
        if self._loaded is None:
            raise Unavailable("The service is stopping.")
        return await self._workers.run(
            lambda: question(loaded.classifier), asker=asker, continued=continued
        )

    async def predict(
        self,
        loaded: Loaded,
        products: Sequence[Product],
        disconnected: Disconnected | None,
        asker: str,
    ) -> list[Prediction]:
        """Answers in order. Raises as `ask` does.

        A batch is asked in parts, as many at once as there are threads, so that others get their
        turn. Where one part fails, or the client disconnects, the others end with it.
        """
        answers: list[Prediction] = []
        # One product that needs not wait is answered before its client could leave.
        observed = disconnected if len(products) > 1 or self._workers.occupied else None
        parts = list(_parts(products))
        for start in range(0, len(parts), self._threads):
            together = [
                self.ask(
                    loaded,
                    lambda classifier, part=part: _answered(classifier, part),  # type: ignore[misc]
                    asker,
                    continued=part is not parts[0],
                )
                for part in parts[start : start + self._threads]
            ]
            answers += chain.from_iterable(await _while_connected(observed, *together))
        for answer in answers:
            if answer.state != "none":
                accepted = "true" if answer.accepted else "false"
                code = str(answer.code) if answer.code in loaded.counted else OTHER_CODES
                self._metrics.predictions.labels(code, accepted).inc()
                self._metrics.confidence.observe(answer.confidence)
        self._recorder.put(loaded.window, loaded.hash, products, answers)
        if self._review is not None:
            classifier = loaded.classifier
            self._review.put(loaded.hash, classifier.codes, classifier.labels, products, answers)
        return answers

    async def explain(
        self, loaded: Loaded, product: Product, disconnected: Disconnected | None, asker: str
    ) -> tuple[Prediction, Explanation | None]:
        """One answer, with what moved it. Raises as `ask` does.

        People ask it of products that were answered before: the metrics of answers and of
        confidence, in which a changing catalogue shows, leave it out.
        """
        asked = self.ask(loaded, lambda classifier: _explained(classifier, product), asker)
        [answer] = await _while_connected(disconnected, asked)
        return answer

    def close(self) -> None:
        """Stop the threads; what still runs is refused and not waited for."""
        loaded, self._loaded = self._loaded, None
        if loaded is not None and not self._workers.running:
            loaded.classifier.close()
        self._workers.close()
        self._loader.shutdown(wait=False)

    async def recorded(self) -> None:
        """Once the model is closed: what was answered is recorded, see `Recorder.close`."""
        await asyncio.to_thread(self._recorder.close)


def _answered(classifier: TimedClassifier, products: Sequence[Product]) -> list[Prediction]:
    """The answers; with what tells products apart, which the event loop has no time to compute."""
    for product in products:
        _ = product.key
    return classifier.predict(products)


def _explained(
    classifier: TimedClassifier, product: Product
) -> tuple[Prediction, Explanation | None]:
    _ = product.key
    return explain(classifier, product)


async def _while_connected(
    disconnected: Disconnected | None, *calls: Coroutine[Any, Any, T]
) -> list[T]:
    """What the calls return, made at once; all end with the client, or when one of them fails."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
            observer = group.create_task(_observe(disconnected)) if disconnected else None
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            if observer is not None:
                observer.cancel()
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


async def _observe(disconnected: Disconnected) -> None:
    """Raises ClientDisconnected once that is so."""
    await disconnected()
    raise ClientDisconnected


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
