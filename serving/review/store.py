"""The database of review as requests use it: off the event loop, its tables made when needed."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from serving.errors import Unavailable
from serving.review.corrections import Corrections
from serving.review.database import create_tables, open_database
from serving.review.queue import ReviewQueue
from serving.review.recording import AnswerRecorder
from serving.settings import Settings

logger = logging.getLogger("serving")

T = TypeVar("T")

THREADS = 2
"""Requests that the database answers at once."""


class ReviewStore:
    """Corrections, the queue, and what fills it. A database that does not answer stops no answer of
    the classifier."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError: the address is none, or its driver is missing."""
        self._engine = open_database(settings.corrections_database.get_secret_value())
        self.corrections = Corrections(self._engine)
        self.queue = ReviewQueue(
            self._engine, size=settings.review_queue, lease=settings.review_lease
        )
        self.recorder = AnswerRecorder(self.queue, self.make_tables, settings)
        # Of its own: who waits for this database keeps nobody from logging in.
        self._pool = ThreadPoolExecutor(THREADS, "review-request")
        self._making = threading.Lock()
        self._made = False

    def make_tables(self) -> None:
        """Once; blocks. Raises SQLAlchemyError or OSError."""
        with self._making:
            if not self._made:
                create_tables(self._engine)
                self._made = True

    async def run(self, call: Callable[[], T]) -> T:
        """What a call of `corrections` or `queue` returns, made in a thread.

        Raises Unavailable when the database does not answer.
        """

        def made() -> T:
            self.make_tables()
            return call()

        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, made)
        except (SQLAlchemyError, OSError) as error:
            # Its message may hold the address with its password, or what was to be kept.
            logger.error("the database of corrections does not answer: %s", type(error).__name__)
            raise Unavailable("Corrections cannot be kept at the moment.", retry_after=5) from error

    def close(self) -> None:
        """Put what waits, and drop connections; blocks."""
        self.recorder.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()
