"""Products in, coded products out: one at a time or in batches."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from litestar import Request, Response, post

from serving.access.security import may_predict
from serving.classifier.prediction import Prediction
from serving.http import bodies
from serving.http.body_budget import Reserve
from serving.http.documentation import problems
from serving.http.problems import Problem, request_id
from serving.http.schemas import Answer, Candidate, ExplainedAnswer, ProductBody, Refusal
from serving.inference.loading import Loaded
from serving.inference.model import Disconnected, Model
from serving.service import Parts, Service

AnyRequest = Request[Any, Any, Any]

_asking = partial(
    post,
    status_code=200,
    tags=["prediction"],
    guards=[may_predict],
    responses=problems(400, 401, 403, 413, 415, 422, 429, 503),
)
"""What the routes that ask the classifier have in common."""


@_asking(["/predict", "/predict_code"])
async def predict(request: AnyRequest, service: Parts) -> Answer:
    """The product type code of one product."""
    with service.body_budget.reservation(request.user.username) as reserve:
        model, body = await _read(request, service, reserve)
        loaded, product = _answering(request, model), bodies.product(body)
        [prediction] = await model.predict(
            loaded, [product], _disconnection(request), request.user.username
        )
    return _answer(body, product.key, prediction, loaded, service.settings.top)


@_asking("/explain")
async def explain(request: AnyRequest, service: Parts) -> ExplainedAnswer:
    """The code of one product, with the words and the regions of its picture that moved it."""
    with service.body_budget.reservation(request.user.username) as reserve:
        model, body = await _read(request, service, reserve)
        loaded, product = _answering(request, model), bodies.product(body)
        prediction, explanation = await model.explain(
            loaded, product, _disconnection(request), request.user.username
        )
    answer = _answer(body, product.key, prediction, loaded, service.settings.top)
    return ExplainedAnswer(
        **msgspec.structs.asdict(answer),
        explanation=explanation,  # type: ignore[arg-type]  # all that is answered has one
    )


@_asking("/predict/batch")
async def predict_batch(request: AnyRequest, service: Parts) -> Response[list[Answer | Refusal]]:
    """The codes of several products, in order; a bad one is answered with its error."""
    model = service.predicting()
    asker = request.user.username
    # A batch is counted once it is read; who may ask for nothing needs not send it.
    await service.limits.count(service.limits.predict, asker, 0)
    with service.body_budget.reservation(asker) as reserve:
        batch = await bodies.read_batch(request, service.settings, reserve)
        await service.limits.count(service.limits.predict, asker, len(batch))
        products = [bodies.product(body) for body, problem in batch if problem is None]
        loaded = _answering(request, model)
        predictions = await model.predict(loaded, products, _disconnection(request), asker)
    keys = (product.key for product in products)
    answered = zip(keys, predictions, strict=True)
    top = service.settings.top
    results = [
        _result(body, problem or next(answered), loaded, top, request_id(request))
        for body, problem in batch
    ]
    if bodies.media_type(request)[0] == bodies.NDJSON:
        lines = msgspec.json.Encoder().encode_lines(results)
        return Response(lines, media_type=bodies.NDJSON)  # type: ignore[arg-type]  # bytes pass as they are
    return Response(results)


async def _read(
    request: AnyRequest, service: Service, reserve: Reserve
) -> tuple[Model, ProductBody]:
    """The model and the one product it is asked about, counted against the user's limit.

    Raises LimitExceeded, Unavailable, and what `bodies.read_product` raises. The body is not read
    before it is sure that there would be an answer.
    """
    model = service.predicting()
    await service.limits.count(service.limits.predict, request.user.username)
    return model, await bodies.read_product(request, service.settings, reserve)


def _answering(request: AnyRequest, model: Model) -> Loaded:
    """The classifier that answers the request to its end, which its log line names."""
    loaded = model.current
    request.scope["state"]["model"] = loaded.hash
    return loaded


def _disconnection(request: AnyRequest) -> Disconnected:
    """Waits for the disconnection, the only message after the body (ASGI, HTTP section)."""

    async def disconnected() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return disconnected


def _result(
    body: ProductBody,
    outcome: tuple[str, Prediction] | Problem,
    loaded: Loaded,
    top: int,
    request: str,
) -> Answer | Refusal:
    """The answer for a product of a batch, or why there is none."""
    try:
        if isinstance(outcome, Problem):
            raise outcome
        return _answer(body, *outcome, loaded, top)
    except Problem as problem:
        details = problem.details(request)
        return Refusal(details, body.product_identifier, body.product_id, body.imageid)


def _answer(
    body: ProductBody, key: str, prediction: Prediction, loaded: Loaded, top: int
) -> Answer:
    """What the client reads; `key` is the product's.

    Raises Problem 422 when nothing of the product could be used.
    """
    # Why a picture was not used, without what the decoding library says of itself.
    image_error = prediction.image_error and prediction.image_error.partition(":")[0]
    if prediction.state == "none":
        reason = image_error or "the classifier found nothing to read in it"
        raise Problem(422, f"The product cannot be answered: {reason}.")
    classifier = loaded.classifier
    verdict = "" if prediction.accepted else ", à vérifier"
    best = (-prediction.probabilities).argsort(kind="stable")[:top]
    return Answer(
        id=key,
        predicted=prediction.code,
        label=prediction.label,
        confidence=prediction.confidence,
        accepted=prediction.accepted,
        path=list(prediction.path),
        accepted_as=prediction.accepted_as,
        predictions=[
            Candidate(
                prediction=classifier.codes[column],
                label=classifier.labels[classifier.codes[column]].name,
                confidence=float(prediction.probabilities[column]),
            )
            for column in best
        ],
        evidence=str(prediction.state),
        image_error=image_error,
        product_identifier=body.product_identifier,
        product_id=body.product_id,
        imageid=body.imageid,
        model=loaded.hash,
        message=f"Produit classé : {prediction.label} ({prediction.code}){verdict}",
    )
