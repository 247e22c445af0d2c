"""What the routes work with: the parts of the service, wired once for each application."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from serving.access.keys import Keys
from serving.access.limits import Limits
from serving.access.login import Logins
from serving.access.passwords import Passwords
from serving.access.tokens import Tokens
from serving.access.users.directory import Directory
from serving.access.users.first_user import create_first_user
from serving.access.users.store import Users
from serving.errors import SettingsError, Unavailable
from serving.http.body_budget import BodyBudget
from serving.inference.model import Model
from serving.metrics import Metrics
from serving.review.precision import Precision, sample_of
from serving.review.store import ReviewStore
from serving.settings import Settings

MEASURE_SECONDS = 60.0
"""How long what reviewers measured is taken for what it is now."""


@dataclass
class Service:
    """The parts; `review` and `model` are None where the authentication routes run alone."""

    settings: Settings
    metrics: Metrics
    limits: Limits
    body_budget: BodyBudget
    users: Users
    directory: Directory
    passwords: Passwords
    logins: Logins
    tokens: Tokens
    review: ReviewStore | None
    model: Model | None
    stopping: bool = False
    _precision: tuple[float, str, Precision] = (0.0, "", Precision(0, 0))

    @classmethod
    def build(cls, settings: Settings, *, predicts: bool) -> Service:
        """Wire the parts. Raises SettingsError when a secret is missing, weak or unreadable."""
        tokens = Tokens(Keys.load(settings), settings)
        users = Users(settings.users_database)
        metrics = Metrics()
        limits, directory, passwords = Limits(settings, metrics), Directory(users), Passwords()
        review = ReviewStore(settings) if predicts else None
        service = cls(
            settings=settings,
            metrics=metrics,
            limits=limits,
            body_budget=BodyBudget(settings),
            users=users,
            directory=directory,
            passwords=passwords,
            logins=Logins(directory, passwords, limits, metrics),
            tokens=tokens,
            review=review,
            model=Model(settings, metrics, review.recorder) if review else None,
        )
        metrics.ready.set_function(lambda: float(service.ready))
        users.create()
        try:
            create_first_user(users, settings)
        except SettingsError:
            users.discard(settings.test_user)
            raise
        return service

    @property
    def ready(self) -> bool:
        """Whether requests are answered: not before the classifier is there, nor once stopping."""
        return not self.stopping and (self.model is None or self.model.loaded)

    def check_ready(self) -> None:
        """Raises Unavailable before the classifier is loaded and while stopping."""
        if not self.ready:
            raise Unavailable("The service is starting or stopping.")

    def predicting(self) -> Model:
        """The loaded model, for the routes that are only there with one.

        Raises as `check_ready` does.
        """
        if self.model is None:
            raise RuntimeError("this application was made without a model")
        self.check_ready()
        return self.model

    def reviewing(self) -> ReviewStore:
        """The database of review, for the routes that are only there with it."""
        if self.review is None:
            raise RuntimeError("this application was made without review")
        return self.review

    async def precision(self) -> Precision:
        """What reviewers measured of the loaded classifier, no older than MEASURE_SECONDS.

        Raises Unavailable.
        """
        review, model = self.reviewing(), self.predicting().hash
        until, of_model, precision = self._precision
        if of_model != model or time.monotonic() >= until:
            precision = await review.run(
                lambda: sample_of(review.corrections.sample(model), model).precision
            )
            self._precision = time.monotonic() + MEASURE_SECONDS, model, precision
        return precision

    async def measure(self) -> None:
        """Bring what reviewers measured into the metrics; what cannot be read now stays as it
        was."""
        if self.review is None or self.model is None or not self.ready:
            return
        with contextlib.suppress(Unavailable):
            precision = await self.precision()
            (low, high), fusion = precision.interval, self.model.current.classifier.fusion
            self.metrics.reviewed.set(precision.products)
            for bound, share in (("low", low), ("high", high), ("promised", fusion.precision)):
                self.metrics.precision.labels(bound).set(share)
            self.metrics.waiting.set(await self.review.run(self.review.queue.count))

    def abandon(self) -> None:
        """Refuse what is at work, and wait for none of it."""
        self.passwords.close()
        if self.model is not None:
            self.model.close()

    async def close(self) -> None:
        """Stop threads and drop connections, once what was answered is recorded."""
        self.abandon()
        if self.model is not None:
            await self.model.recorded()
        if self.review is not None:
            await asyncio.to_thread(self.review.close)
        await self.limits.close()


Parts = NamedDependency[SkipValidation[Service]]
"""The service as a handler takes it."""
