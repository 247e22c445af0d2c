"""Whether the service is up, and whether it answers."""

from __future__ import annotations

from litestar import get

from serving.http.documentation import PUBLIC, problems
from serving.http.schemas import Status
from serving.service import Parts

WORKING = "L'API fonctionne correctement"


@get("/status", tags=["health"], responses=problems(503), security=PUBLIC, exclude_from_auth=True)
async def status(service: Parts) -> Status:
    """Whether the service can answer."""
    service.check_ready()
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
    service.check_ready()
    await service.directory.check()
    return Status("ready")
