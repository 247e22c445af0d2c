"""The Open Inference Protocol (KServe's and Triton's V2, REST): the classifier for other clients.

specification/protocol/inference_rest.md of kserve/open-inference-protocol, with the binary tensor
data extension. A version is the lock hash of a classifier; there is the one that answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from serving.access.security import may_predict
from serving.classifier.prediction import Prediction, Product
from serving.http import bodies, inference_bodies
from serving.http.documentation import PUBLIC, VERSION, inference_problems
from serving.http.inference_bodies import BINARY, HEADER_LENGTH, INPUTS, MODEL_NAME, OUTPUTS
from serving.http.problems import INFERENCE_PROTOCOL, Problem
from serving.http.tensors import Datatype, Tensor
from serving.inference.loading import Loaded
from serving.inference.model import Model
from serving.listing.labels import are_texts
from serving.routes.asking import answering, check_answered, disconnection, image_error
from serving.service import Parts

AnyRequest = Request[Any, Any, Any]

SERVER_NAME = "product-codes"
PLATFORM = "onnx_onnxv1"

_MODEL = f"{INFERENCE_PROTOCOL}/models/{MODEL_NAME}"
_VERSION = f"{_MODEL}/versions/{{version:str}}"
_TAGS = ["inference protocol"]


class ServerMetadata(msgspec.Struct):
    """The server: $metadata_server_response."""

    name: str
    version: str
    extensions: list[str]


class Live(msgspec.Struct):
    """Whether the process is up: $live_server_response."""

    live: bool


class Ready(msgspec.Struct):
    """Whether the server answers: $ready_server_response."""

    ready: bool


class ModelReady(msgspec.Struct):
    """Whether the model answers: $ready_model_response."""

    name: str
    ready: bool


class TensorMetadata(msgspec.Struct, omit_defaults=True):
    """An input or an output: $metadata_tensor; -1 is a size that varies. `parameters` of the
    output `probabilities` have the codes of its columns, in order."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Any] = {}


class ModelMetadata(msgspec.Struct):
    """The model: $metadata_model_response."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


@get(INFERENCE_PROTOCOL, tags=_TAGS, security=PUBLIC, exclude_from_auth=True)
async def server_metadata() -> ServerMetadata:
    """The server's name, version and extensions."""
    return ServerMetadata(SERVER_NAME, VERSION, inference_bodies.EXTENSIONS)


@get(f"{INFERENCE_PROTOCOL}/health/live", tags=_TAGS, security=PUBLIC, exclude_from_auth=True)
async def server_live() -> Live:
    """The process is up."""
    return Live(live=True)


@get(
    f"{INFERENCE_PROTOCOL}/health/ready",
    tags=_TAGS,
    responses=inference_problems(503),
    security=PUBLIC,
    exclude_from_auth=True,
)
async def server_ready(service: Parts) -> Ready:
    """The classifier is loaded, verified and warmed, and the users can be read."""
    service.check_ready()
    await service.directory.check()
    return Ready(ready=True)


@get(
    [f"{_MODEL}/ready", f"{_VERSION}/ready"],
    tags=_TAGS,
    responses=inference_problems(400, 404, 503),
    security=PUBLIC,
    exclude_from_auth=True,
)
async def model_ready(request: AnyRequest, service: Parts) -> ModelReady:
    """The classifier, or this version of it, answers; 404 for another version."""
    _loaded(request, service.predicting())
    return ModelReady(MODEL_NAME, ready=True)


@get([_MODEL, _VERSION], tags=_TAGS, responses=inference_problems(400, 401, 404, 503))
async def model_metadata(request: AnyRequest, service: Parts) -> ModelMetadata:
    """The classifier's version, inputs and outputs, with the order of the codes."""
    loaded = _loaded(request, service.predicting())
    codes = list(loaded.classifier.codes)
    return ModelMetadata(
        name=MODEL_NAME,
        versions=[loaded.hash],
        platform=PLATFORM,
        inputs=[TensorMetadata(name, "BYTES", [-1]) for name in INPUTS],
        outputs=[_described(_output(name, [], [], loaded), codes) for name in OUTPUTS],
    )


@post(
    [f"{_MODEL}/infer", f"{_VERSION}/infer"],
    status_code=200,
    tags=_TAGS,
    guards=[may_predict],
    responses=inference_problems(400, 401, 403, 404, 413, 415, 422, 429, 503),
)
async def infer(request: AnyRequest, service: Parts) -> Response[inference_bodies.InferenceAnswer]:
    """The codes of one or more products, in order; one that cannot be answered refuses all.

    Tensors are JSON, or binary data behind the JSON object (binary tensor data extension): a body
    of application/octet-stream with the field Inference-Header-Content-Length.
    """
    model = service.predicting()
    # As long as it is asked, for who names a version is answered by that one.
    loaded = _loaded(request, model)
    asker = request.user.username
    # Counted once it is read; who may ask for nothing needs not send it.
    await service.limits.count(service.limits.predict, asker, 0)
    with service.body_budget.reservation(asker) as reserve:
        asked = await inference_bodies.read_request(request, service.settings, reserve)
        await service.limits.count(service.limits.predict, asker, len(asked.products))
        products = [bodies.product(body) for body in asked.products]
        predictions = await model.predict(loaded, products, disconnection(request), asker)
    for index, prediction in enumerate(predictions):
        try:
            check_answered(prediction)
        except Problem as problem:
            raise inference_bodies.at_fault(index, problem) from problem

    def encode() -> tuple[bytes, int | None]:
        return inference_bodies.encode_answer(
            asked, loaded.hash, lambda name: _output(name, products, predictions, loaded)
        )

    # Probabilities of thousands of codes take a while: the event loop has other clients.
    many = "probabilities" in asked.outputs
    content, length = await asyncio.to_thread(encode) if many else encode()
    return Response(
        content,  # type: ignore[arg-type]  # bytes pass as they are
        media_type=bodies.JSON if length is None else BINARY,
        headers={} if length is None else {HEADER_LENGTH: str(length)},
    )


def _loaded(request: AnyRequest, model: Model) -> Loaded:
    """The classifier that answers. Raises Problem 404 where the path names another version."""
    loaded = answering(request, model)
    version = request.path_params.get("version", loaded.hash)
    if version != loaded.hash:
        raise Problem(404, f"{MODEL_NAME} has no version {version!r:.60}, or no longer.")
    return loaded


def _output(
    name: str, products: Sequence[Product], predictions: Sequence[Prediction], loaded: Loaded
) -> Tensor:
    """An output for these products: [n], probabilities [n, codes]."""
    codes = loaded.classifier.codes
    if name == "code":
        found = [prediction.code for prediction in predictions]
        if are_texts(codes):
            return Tensor(name, "BYTES", [str(code) for code in found])
        return Tensor(name, "INT64", np.array(found, np.int64))
    if name == "confidence":
        return Tensor(name, "FP64", np.array([p.confidence for p in predictions], np.float64))
    if name == "accepted":
        return Tensor(name, "BOOL", np.array([p.accepted for p in predictions], np.bool_))
    if name == "probabilities":
        rows = [prediction.probabilities for prediction in predictions]
        return Tensor(name, "FP64", np.array(rows, np.float64).reshape(-1, len(codes)))
    texts = {
        "id": [product.key for product in products],
        "label": [prediction.label for prediction in predictions],
        "evidence": [str(prediction.state) for prediction in predictions],
        "image_error": [image_error(prediction) or "" for prediction in predictions],
    }
    return Tensor(name, "BYTES", texts[name])


def _described(output: Tensor, codes: Sequence[Any]) -> TensorMetadata:
    """An output as the metadata has it, of any number of products."""
    datatype: Datatype = output.datatype
    metadata = TensorMetadata(output.name, datatype, [-1, *output.shape[1:]])
    if output.name == "probabilities":
        metadata.parameters = {"codes": list(codes)}
    return metadata


ROUTES: list[HTTPRouteHandler] = [
    *(server_metadata, server_live, server_ready),
    *(model_ready, model_metadata, infer),
]
