"""Inference requests and answers of the Open Inference Protocol, between bytes and products.

Requests may be JSON or, with the binary tensor data extension, a JSON object with binary data
behind it; so may answers. See `serving/http/tensors.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Request

from serving.http import bodies, tensors
from serving.http.body_budget import Reserve
from serving.http.problems import FieldError, Problem
from serving.http.schemas import ProductBody
from serving.settings import Settings

AnyRequest = Request[Any, Any, Any]
Size = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

MODEL_NAME = "product-classifier"
EXTENSIONS = ["binary_tensor_data"]
HEADER_LENGTH = "Inference-Header-Content-Length"
BINARY = "application/octet-stream"

INPUTS = ("designation", "description", "image")
DEFAULT_OUTPUTS = ("code", "label", "confidence", "accepted")
OUTPUTS = (*DEFAULT_OUTPUTS, "probabilities", "id", "evidence", "image_error")
"""All that can be asked for; the others are answered to who names them."""


class InputParameters(msgspec.Struct):
    """Parameters of an input; others are passed over, here and below."""

    binary_data_size: Size | msgspec.UnsetType = msgspec.UNSET


class OutputParameters(msgspec.Struct):
    """Parameters of an output that is asked for. Nothing is classified but by the model itself."""

    binary_data: bool | msgspec.UnsetType = msgspec.UNSET
    classification: int = 0


class RequestParameters(msgspec.Struct):
    """Parameters of a request."""

    binary_data_output: bool = False
    probabilities: bool = False


class RequestInput(msgspec.Struct):
    """An input tensor; its elements are in `data`, or in the binary data behind the JSON."""

    name: str
    shape: list[Size]
    datatype: str
    data: list[str | list[str]] | msgspec.UnsetType = msgspec.UNSET
    parameters: InputParameters = msgspec.field(default_factory=InputParameters)


class RequestOutput(msgspec.Struct):
    """An output tensor that is asked for."""

    name: str
    parameters: OutputParameters = msgspec.field(default_factory=OutputParameters)


class InferenceRequest(msgspec.Struct):
    """The JSON object of a request."""

    inputs: list[RequestInput]
    outputs: list[RequestOutput] = []
    id: str | msgspec.UnsetType = msgspec.UNSET
    parameters: RequestParameters = msgspec.field(default_factory=RequestParameters)


class AnsweredTensor(msgspec.Struct):
    """An output tensor; its elements are in `data`, or in the binary data behind the JSON."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, int] | msgspec.UnsetType = msgspec.UNSET
    data: list[Any] | msgspec.UnsetType = msgspec.UNSET


class InferenceAnswer(msgspec.Struct):
    """The JSON object of an answer; `model_version` is the lock hash of the classifier."""

    model_name: str
    model_version: str
    outputs: list[AnsweredTensor]
    id: str | msgspec.UnsetType = msgspec.UNSET


_decoder = msgspec.json.Decoder(InferenceRequest)


@dataclass(frozen=True)
class Asked:
    """What a request asks: its products, and its outputs in order, each with whether it is to be
    answered in binary."""

    id: str | msgspec.UnsetType
    products: list[ProductBody]
    outputs: Mapping[str, bool]


async def read_request(request: AnyRequest, settings: Settings, reserve: Reserve) -> Asked:
    """The inference request in the body; its media type may be left out, as Triton's client does.

    Raises Problem: 400 malformed, 413 too large or too many products, 415 another media type, 422 a
    product at fault, by its index, 503 too many bodies are held.
    """
    kind, _ = bodies.media_type(request)
    if kind not in ("", bodies.JSON, BINARY):
        raise bodies.unsupported(bodies.JSON, BINARY)
    body = await bodies.read_body(request, settings.max_batch_bytes, reserve)
    lengths = request.headers.getall(HEADER_LENGTH, [])

    def parse() -> Asked:
        return decode_request(body, lengths, settings)

    return parse() if len(body) <= bodies.INLINE_BYTES else await asyncio.to_thread(parse)


def decode_request(body: bytes, lengths: Sequence[str], settings: Settings) -> Asked:
    """The inference request in `body`; `lengths` are the values of HEADER_LENGTH.

    Raises Problem as `read_request` does.
    """
    text, binary = tensors.divided(body, lengths)
    try:
        asked = bodies.decode_bounded(text, _decoder, settings.max_batch_products)
    except msgspec.ValidationError as error:
        raise Problem(400, f"The body is no inference request: {error}.") from error
    outputs = _outputs(asked)
    columns = _columns(asked.inputs, binary, settings.max_batch_products)
    products = [
        _product(index, dict(zip(columns, elements, strict=True)), settings)
        for index, elements in enumerate(zip(*columns.values(), strict=True))
    ]
    return Asked(asked.id, products, outputs)


def _columns(
    inputs: list[RequestInput], binary: memoryview | None, most: int
) -> dict[str, list[str] | list[bytes]]:
    """The elements of each input, as many of each: texts of JSON, bytes of binary data."""
    counts: dict[str, int] = {}
    for given in inputs:
        if given.name not in INPUTS:
            raise _unknown("input", given.name, INPUTS)
        if given.name in counts:
            raise Problem(400, f"Input {given.name} is there twice.")
        if given.datatype != "BYTES":
            raise Problem(400, f"Input {given.name} is {given.datatype!r:.20}; expected 'BYTES'.")
        counts[given.name] = tensors.rows(given.name, given.shape)
    if not counts:
        raise Problem(400, f"The request has no input; there are {', '.join(INPUTS)}.")
    if len(set(counts.values())) > 1:
        raise Problem(400, "The inputs have not the same number of products.")
    columns: dict[str, list[str] | list[bytes]] = {}
    sizes: dict[str, int] = {}
    for given in inputs:
        data, size = given.data, given.parameters.binary_data_size
        if data is not msgspec.UNSET and size is msgspec.UNSET:
            columns[given.name] = tensors.texts_from_json(given.name, data, given.shape)
        elif data is msgspec.UNSET and size is not msgspec.UNSET:
            sizes[given.name] = size
        else:
            raise Problem(400, f"Input {given.name} needs either data or binary_data_size.")
    [count] = set(counts.values())
    if count > most:  # before as many elements are looked for in the binary data
        raise bodies.too_many(most)
    for name, part in zip(sizes, tensors.parts([*sizes.values()], binary), strict=True):
        columns[name] = tensors.bytes_from_binary(name, part, count)
    return columns


def _product(index: int, fields: Mapping[str, str | bytes], settings: Settings) -> ProductBody:
    """The product of this index; an empty element is as good as absent."""
    try:
        body = ProductBody(
            designation=_text("designation", fields),
            description=_text("description", fields),
            image=_picture(fields.get("image", b"")) or None,
        )
        return bodies.check_product(body, settings)
    except Problem as problem:
        raise at_fault(index, problem) from problem
    except msgspec.ValidationError as error:
        raise at_fault(index, Problem(422, f"image: {error}.")) from error
    except UnicodeDecodeError as error:
        fault = Problem(400, f"byte {error.start} of a text is not UTF-8.")
        raise at_fault(index, fault) from error


def _text(name: str, fields: Mapping[str, str | bytes]) -> str | None:
    element = fields.get(name, "")
    return (element.decode() if isinstance(element, bytes) else element) or None


def _picture(element: str | bytes) -> bytes:
    """Base64 in JSON, a file in binary."""
    return bodies.decode_picture(element) if isinstance(element, str) else element


def at_fault(index: int, problem: Problem) -> Problem:
    """`problem` of the product of this index, for which the whole request is refused."""
    errors = [FieldError(f"{error.field}[{index}]", error.reason) for error in problem.errors]
    return Problem(problem.status_code, f"Product [{index}]: {problem.detail}", errors=errors)


def _outputs(asked: InferenceRequest) -> dict[str, bool]:
    """The outputs in the order of the answer, each with whether it is to be in binary."""
    all_binary = asked.parameters.binary_data_output
    outputs: dict[str, bool] = {}
    for wanted in asked.outputs:
        if wanted.name not in OUTPUTS:
            raise _unknown("output", wanted.name, OUTPUTS)
        if wanted.name in outputs:
            raise Problem(400, f"Output {wanted.name} is asked for twice.")
        if wanted.parameters.classification:
            raise Problem(400, f"Output {wanted.name}: the classification extension is not there.")
        binary = wanted.parameters.binary_data
        outputs[wanted.name] = all_binary if binary is msgspec.UNSET else binary
    outputs = outputs or dict.fromkeys(DEFAULT_OUTPUTS, all_binary)
    if asked.parameters.probabilities:
        outputs.setdefault("probabilities", all_binary)
    return outputs


def _unknown(kind: str, name: str, known: Sequence[str]) -> Problem:
    return Problem(400, f"There is no {kind} {name!r:.60}; there are {', '.join(known)}.")


def encode_answer(
    asked: Asked, version: str, tensor: Callable[[str], tensors.Tensor]
) -> tuple[bytes, int | None]:
    """The body of an answer by the classifier `version`, and the length of the JSON object in it
    where binary data follows; `tensor` gives an output by its name."""
    outputs, pieces = [], []
    for name, is_binary in asked.outputs.items():
        output = tensor(name)
        answered = AnsweredTensor(name, output.datatype, output.shape)
        if is_binary:
            pieces.append(tensors.to_binary(output))
            answered.parameters = {"binary_data_size": len(pieces[-1])}
        else:
            answered.data = tensors.to_json(output)
        outputs.append(answered)
    head = msgspec.json.encode(InferenceAnswer(MODEL_NAME, version, outputs, asked.id))
    return b"".join([head, *pieces]), len(head) if pieces else None
