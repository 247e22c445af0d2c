"""What the routes work with: the parts of the service, wired once for each application."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from serving.access.keys import Keys
from serving.access.limits import Limits
from serving.access.passwords import Passwords
from serving.access.tokens import Tokens
from serving.access.users import Directory, Users, create_first_user
from serving.http.body_budget import BodyBudget
from serving.http.problems import busy
from serving.inference.model import Model
from serving.metrics import Metrics
from serving.settings import Settings, SettingsError


@dataclass
class Service:
    """The parts; `model` is None where the authentication routes run alone."""

    settings: Settings
    metrics: Metrics
    limits: Limits
    body_budget: BodyBudget
    users: Users
    directory: Directory
    passwords: Passwords
    tokens: Tokens
    model: Model | None
    stopping: bool = False

    @classmethod
    def build(cls, settings: Settings, *, predicts: bool) -> Service:
        """Wire the parts. Raises SettingsError when a secret is missing, weak or unreadable."""
        tokens = Tokens(Keys.load(settings), settings)
        users = Users(settings.users_database)
        metrics = Metrics()
        service = cls(
            settings=settings,
            metrics=metrics,
            limits=Limits(settings, metrics),
            body_budget=BodyBudget(settings),
            users=users,
            directory=Directory(users),
            passwords=Passwords(),
            tokens=tokens,
            model=Model(settings, metrics) if predicts else None,
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

    def predicting(self) -> Model:
        """The loaded model, for the routes that are only there with one.

        Raises Problem 503 before it is loaded and while stopping.
        """
        if self.model is None:
            raise RuntimeError("this application was made without a model")
        if not self.ready:
            raise busy("The service is starting or stopping.")
        return self.model

    def abandon(self) -> None:
        """Refuse what is at work, and wait for none of it."""
        self.passwords.close()
        if self.model is not None:
            self.model.close()

    async def close(self) -> None:
        """Stop threads and drop connections."""
        self.abandon()
        await self.limits.close()


Parts = NamedDependency[SkipValidation[Service]]
"""The service as a handler takes it."""
