"""Review: what waits for a person, one product at a time, and what people say is right."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath

from serving.access.security import may_review
from serving.http import bodies
from serving.http.documentation import problems
from serving.http.problems import FieldError, Problem
from serving.http.schemas import (
    Candidate,
    CodeAbout,
    Corrected,
    CorrectionBody,
    Disagreement,
    Opinion,
    ReviewItem,
    ReviewState,
)
from serving.listing.heads import picture_type
from serving.listing.labels import Code, Label
from serving.review.corrections import Answered
from serving.review.queue import Waiting
from serving.review.recording import answered
from serving.review.settling import valid
from serving.service import Parts, Service

AnyRequest = Request[Any, Any, Any]

MAX_NOTE = 1000
_CONFLICTS = 50

_reviewing = partial(post, tags=["review"], guards=[may_review])
_looking = partial(get, tags=["review"], guards=[may_review], responses=problems(401, 403, 503))


@_looking("/review")
async def state(request: AnyRequest, service: Parts) -> ReviewState:
    """How many answers wait, what this reviewer did today, and about what reviewers disagree."""
    review, labels = service.reviewing(), service.predicting().current.classifier.labels
    today = datetime.now(UTC).date().isoformat()

    def read() -> ReviewState:
        _, conflicts = valid(review.corrections.disputed())
        return ReviewState(
            waiting=review.queue.count(),
            mine=review.corrections.count(reviewer=request.user.username, since=today),
            conflicts=[
                Disagreement(
                    conflict.product,
                    conflict.entries[-1].designation,
                    conflict.entries[-1].description,
                    [
                        Opinion(
                            entry.reviewer,
                            entry.code,
                            _name(labels, entry.code),
                            entry.note,
                            entry.time,
                        )
                        for entry in conflict.entries
                        if entry.code is not None
                    ],
                )
                for conflict in conflicts[:_CONFLICTS]
            ],
        )

    return await review.run(read)


@_reviewing(
    "/review/next",
    status_code=200,
    responses={**problems(401, 403, 503), 204: ResponseSpec(None, description="Nothing waits.")},
)
async def take(request: AnyRequest, service: Parts) -> Response[ReviewItem | None]:
    """The product that is most worth a look, for nobody else meanwhile; 204 when nothing waits."""
    review, reviewer = service.reviewing(), request.user.username
    waiting = await review.run(lambda: review.queue.next(reviewer))
    if waiting is None:
        return Response(None, status_code=204)
    return Response(_item(waiting))


@_reviewing("/review/{product:str}/skip", status_code=204, responses=problems(401, 403, 503))
async def skip(request: AnyRequest, service: Parts, product: FromPath[str]) -> None:
    """Leave a product to others."""
    review, reviewer = service.reviewing(), request.user.username
    await review.run(lambda: review.queue.skip(product, reviewer))


@get(
    "/review/{product:str}/picture",
    tags=["review"],
    guards=[may_review],
    responses=problems(401, 403, 404, 503),
    media_type="image/*",
)
async def picture(service: Parts, product: FromPath[str]) -> Response[bytes]:
    """The picture of a product that was kept."""
    review = service.reviewing()
    waiting = await review.run(lambda: review.queue.find(product))
    kept = waiting.picture if waiting else None
    kind = picture_type(kept) if kept else None
    if kept is None or kind is None:
        raise Problem(404, "No picture of the product was kept.")
    headers = {"Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(kept, media_type=kind, headers=headers)


@_reviewing(
    "/corrections",
    status_code=201,
    responses=problems(400, 401, 403, 404, 413, 415, 422, 429, 503),
)
async def correct(request: AnyRequest, service: Parts) -> Corrected:
    """Say which code of a product is right. Nothing is rewritten: the latest word counts."""
    review, reviewer = service.reviewing(), request.user.username
    labels = service.predicting().current.classifier.labels
    with service.body_budget.reservation(reviewer) as reserve:
        body = await bodies.read_correction(request, service.settings, reserve)
        code = _known(labels, body.code)
        if len(body.note) > MAX_NOTE:
            raise _wrong("note", f"has {len(body.note)} characters; at most {MAX_NOTE} are kept")
        about = await _about(request, service, body)
    number = await review.run(
        lambda: review.corrections.append(
            about, reviewer, code, body.note.replace("\0", ""), settles=body.settles
        )
    )
    label = None if code is None else _name(labels, code)
    return Corrected(number, about.product, code, label)


@get("/codes", tags=["about"], responses=problems(401, 503))
async def codes(service: Parts) -> list[CodeAbout]:
    """The codes that the loaded classifier knows."""
    labels = service.predicting().current.classifier.labels
    return [
        CodeAbout(code, label.name, [node.name for node in label.parents])
        for code, label in labels.items()
    ]


async def _about(request: AnyRequest, service: Service, body: CorrectionBody) -> Answered:
    """The product that is corrected, with its answer: one that was kept, or a new one."""
    review, reviewer, named = service.reviewing(), request.user.username, body.answer
    if named is not None:
        kept: Answered | None = await review.run(
            lambda: review.queue.find(named) or review.corrections.latest(named)
        )
        if kept is None:
            raise Problem(404, f"No answer {named[:40]!r} was kept; give the product itself.")
        return kept
    await service.limits.count(service.limits.predict, reviewer)
    bodies.check_product(body, service.settings)
    product, model = bodies.product(body), service.predicting()
    loaded = model.current
    [answer] = await model.ask(loaded, lambda classifier: classifier.predict([product]), reviewer)
    if answer.state == "none":
        raise Problem(422, "The classifier found nothing to read in the product.")
    pictures = service.settings.review_pictures
    return answered(product, answer, loaded.hash, "asked", pictures=pictures)


def _known(labels: Mapping[Code, Label], code: Code | None) -> Code | None:
    """The code as the classifier has it, a number or a text. Raises Problem 422."""
    if code is None:
        return None
    for known in labels:
        if str(known) == str(code):
            return known
    raise _wrong("code", f"{str(code)[:40]!r} is none of the {len(labels)} codes of GET /codes")


def _wrong(field: str, reason: str) -> Problem:
    return Problem(422, "Not a correction.", errors=[FieldError(field, reason)])


def _name(labels: Mapping[Code, Label], code: Code | None) -> str:
    """Of a code, which an earlier classifier may have known alone."""
    label = labels.get(code) if code is not None else None
    return label.name if label else str(code)


def _item(waiting: Waiting) -> ReviewItem:
    return ReviewItem(
        id=waiting.product,
        time=waiting.time,
        designation=waiting.designation,
        description=waiting.description,
        identifier=waiting.identifier,
        picture=waiting.picture is not None,
        reason=waiting.reason,
        predicted=waiting.answered,
        label=waiting.label,
        confidence=waiting.confidence,
        accepted=waiting.accepted,
        predictions=[
            msgspec.convert(vars(candidate), Candidate) for candidate in waiting.predictions
        ],
        model=waiting.model,
        until=waiting.until,
    )
