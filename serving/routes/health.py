"""Whether the service is up, and whether it answers."""

from __future__ import annotations

from litestar import get

from serving.http.documentation import PUBLIC, problems
from serving.http.problems import busy
from serving.http.schemas import Status
from serving.service import Parts, Service

WORKING = "L'API fonctionne correctement"


def _ready(service: Service) -> None:
    """Raises Problem 503 before the classifier is warm and while stopping."""
    if not service.ready:
        raise busy("The service is starting or stopping.")


@get("/status", tags=["health"], responses=problems(503), security=PUBLIC, exclude_from_auth=True)
async def status(service: Parts) -> Status:
    """Whether the service can answer."""
    _ready(service)
    return Status(WORKING)


@get("/health/live", tags=["health"], security=PUBLIC, exclude_from_auth=True)
async def live() -> Status:
    """The process is up."""
    return Status("live")


@get(
    "/health/ready",
    tags=["health"],
    responses=problems(503),
    security=PUBLIC,
    exclude_from_auth=True,
)
async def ready(service: Parts) -> Status:
    """The classifier is loaded, verified and warmed, and the users can be read."""
    _ready(service)
    await service.directory.check()
    return Status("ready")
