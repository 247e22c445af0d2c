"""What the routes work with: the parts of the service, wired once for each application."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from serving.access.keys import Keys
from serving.access.limits import Limits
from serving.access.passwords import Passwords
from serving.access.tokens import Tokens
from serving.access.users.directory import Directory
from serving.access.users.first_user import create_first_user
from serving.access.users.store import Users
from serving.errors import SettingsError, Unavailable
from serving.http.body_budget import BodyBudget
from serving.inference.model import Model
from serving.metrics import Metrics
from serving.settings import Settings


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
        await self.limits.close()


Parts = NamedDependency[SkipValidation[Service]]
"""The service as a handler takes it."""
