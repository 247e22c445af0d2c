"""The application: routes, authentication and error answers around the parts of the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import msgspec
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import DefineMiddleware

from serving.access.security import Authentication
from serving.http import problems
from serving.http.documentation import complete, config
from serving.inference.model import Model
from serving.middleware import RequestMiddleware
from serving.routes import about, authentication, health, prediction, review, session
from serving.service import Service
from serving.settings import Settings

OnFailure = Callable[[BaseException], None]
OnReady = Callable[[], None]


def create_app(
    settings: Settings,
    *,
    predicts: bool = True,
    on_failure: OnFailure = lambda error: None,
    on_ready: OnReady = lambda: None,
) -> RequestMiddleware:
    """The ASGI application; with `predicts` false, the authentication routes alone.

    The classifier is loaded once the application runs; `on_ready` is called when it is there,
    `on_failure` is told when that fails.
    Raises SettingsError when a secret is missing, weak or unreadable.
    """
    service = Service.build(settings, predicts=predicts)
    handlers = routes(settings, predicts=predicts)
    for handler in handlers:
        if "POST" in handler.http_methods:
            for path in handler.paths:
                service.metrics.expect(path)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        loading = asyncio.create_task(_load(service.model, on_failure, on_ready))
        yield
        loading.cancel()
        await asyncio.wait({loading})
        await service.close()

    app = Litestar(
        [*handlers, about.schema, about.asset],
        dependencies={"service": Provide(lambda: service, sync_to_thread=False)},
        exception_handlers=problems.HANDLERS,
        lifespan=[lifespan],
        logging_config=None,
        middleware=[
            DefineMiddleware(
                Authentication,
                tokens=service.tokens,
                directory=service.directory,
                settings=settings,
            )
        ],
        openapi_config=None,
        request_max_body_size=settings.max_batch_bytes,
        state=State({"openapi": cache(lambda: msgspec.json.encode(openapi(handlers)))}),
    )
    return RequestMiddleware(app, service)


def routes(settings: Settings, *, predicts: bool) -> list[HTTPRouteHandler]:
    """The routes of the service, those of its documentation left out."""
    shared = [
        about.home,
        about.metrics_route(is_open=settings.metrics == "open"),
        health.status,
        health.live,
        health.ready,
        authentication.token,
        authentication.verify_token,
    ]
    asking = (
        *(prediction.predict, prediction.explain, prediction.predict_batch),
        *(review.state, review.take, review.skip, review.picture, review.correct, review.codes),
        *(session.log_in, session.session, session.log_out),
        *(about.model, about.quality, about.reload),
    )
    return [*shared, *(asking * predicts)]


def openapi(handlers: list[HTTPRouteHandler]) -> dict[str, Any]:
    """The OpenAPI document of `handlers`, made by an application that serves nothing."""
    dependencies = {"service": Provide(lambda: None, sync_to_thread=False)}
    documented = Litestar(
        handlers, dependencies=dependencies, openapi_config=config(), logging_config=None
    )
    return complete(documented.openapi_schema.to_schema())


async def _load(model: Model | None, on_failure: OnFailure, on_ready: OnReady) -> None:
    try:
        if model is not None:
            await model.start()
    except Exception as error:  # whatever is wrong with the classifier
        on_failure(error)
    else:
        on_ready()
