"""The service about itself: welcome, documentation, loaded model, metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from serving.access.security import may_read_metrics, may_reload
from serving.http.documentation import OPENAPI, PUBLIC, problems
from serving.http.problems import Problem
from serving.http.quality import describe
from serving.http.schemas import Message, ModelAbout, Quality, Reloaded
from serving.metrics import CONTENT_TYPE
from serving.service import Parts

AnyRequest = Request[Any, Any, Any]

STATIC = Path(__file__).parent.parent / "static"
_FILES = {path.name: path.read_text(encoding="utf-8") for path in STATIC.iterdir()}
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_ONLY_FROM_HERE = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
_BY_ACCEPT = {"Vary": "Accept"}

WELCOME = "Bienvenue sur l'API de classification de produits"
_LINKS = {"documentation": "/schema", "token": "/token", "status": "/status"}
_PREDICTING_LINKS = {"predict": "/predict", "batch": "/predict/batch", "model": "/model"}


def _page(name: str) -> Response[str]:
    headers = _ONLY_FROM_HERE | _BY_ACCEPT
    return Response(_FILES[name], media_type="text/html", headers=headers)


def _wants_html(request: AnyRequest) -> bool:
    """Whether the client is a browser: it lists text/html, a program does not."""
    return "text/html" in request.headers.get("accept", "")


@get("/", tags=["about"], security=PUBLIC, exclude_from_auth=True)
async def home(request: AnyRequest, service: Parts) -> Response[Message]:
    """Welcome, with links; a page for a browser."""
    if _wants_html(request):
        page: Response[Any] = _page("page.html" if service.model else "home.html")
        return page
    links = _LINKS | (_PREDICTING_LINKS if service.model else {})
    return Response(Message(WELCOME, links), headers=_BY_ACCEPT)


@get(["/schema", "/schema/openapi.json"], include_in_schema=False, exclude_from_auth=True)
async def schema(request: AnyRequest) -> Response[Any]:
    """The OpenAPI document; for a browser that asks for /schema, a page that shows it."""
    if request.scope["path"].rstrip("/") == "/schema" and _wants_html(request):
        return _page("schema.html")
    return Response(request.app.state.openapi(), media_type=OPENAPI, headers=_BY_ACCEPT)


@get(["/schema/{name:str}", "/page/{name:str}"], include_in_schema=False, exclude_from_auth=True)
async def asset(name: FromPath[str]) -> Response[str]:
    """A script or a style sheet of the pages."""
    kind = _TYPES.get(Path(name).suffix)
    if kind is None or name not in _FILES:
        raise Problem(404, "No such file.")
    return Response(_FILES[name], media_type=kind, headers=_ONLY_FROM_HERE)


@get("/model", tags=["about"], responses=problems(401, 503))
async def model(service: Parts) -> ModelAbout:
    """The loaded classifier: lock hash, manifest, parameters, measured quality."""
    loaded = service.predicting().current
    classifier = loaded.classifier
    return ModelAbout(
        model=loaded.hash,
        codes=list(classifier.codes),
        labels={str(code): label.name for code, label in classifier.labels.items()},
        parameters=classifier.manifest.get("parameters", {}),
        manifest=classifier.manifest,
        metrics=loaded.measured,
    )


@get("/model/quality", tags=["about"], responses=problems(401, 503))
async def quality(service: Parts) -> Quality:
    """The loaded classifier as people look at it: scores by code, what it confuses, drift, and the
    precision of what it accepted as reviewers measured it."""
    return describe(service.predicting().current, await service.precision())


@post(
    "/model/reload",
    status_code=200,
    tags=["about"],
    guards=[may_reload],
    responses=problems(401, 403, 409, 503),
)
async def reload(service: Parts) -> Reloaded:
    """Look at the classifier's folder and lock again, and answer with what they hold from now on.

    409 says why it cannot be served; the former classifier then goes on answering.
    """
    result = await service.predicting().reload()
    if result.outcome == "refused":
        raise Problem(409, f"The classifier is not replaced: {result.reason}")
    return Reloaded(result.outcome, result.model)


def metrics_route(*, is_open: bool) -> HTTPRouteHandler:
    """GET /metrics, for anyone or for the scope `metrics`."""

    @get(
        "/metrics",
        tags=["about"],
        guards=[] if is_open else [may_read_metrics],
        exclude_from_auth=is_open,
        security=PUBLIC if is_open else None,
        responses={} if is_open else problems(401, 403),
        media_type="text/plain",
    )
    async def metrics(service: Parts) -> Response[bytes]:
        """Metrics in Prometheus' text format."""
        await service.measure()
        return Response(service.metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    return metrics
