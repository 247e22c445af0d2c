"""From the bytes of a request to products: multipart, JSON and NDJSON, all bounded."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, cast
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.types import HTTPReceiveMessage
from multipart import (  # type: ignore[import-untyped]  # ships no types
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from serving.classifier.prediction import Product
from serving.http.problems import FieldError, Problem, busy
from serving.http.schemas import ProductBody
from serving.settings import Settings

AnyRequest = Request[Any, Any, Any]

JSON, NDJSON = "application/json", "application/x-ndjson"
MULTIPART, URL_ENCODED = "multipart/form-data", "application/x-www-form-urlencoded"

MAX_PARTS = 32
MAX_FIELDS = 32
MAX_IDENTIFIER = 128

INLINE_BYTES = 128 * 1024
"""A larger body is parsed in a thread: the event loop has other clients."""

MAX_TOKENS = 1000
"""Strings, brackets and commas for each product a batch may have; six fields take about twenty."""

_KEPT = b'"[]{},'
_OTHERS = bytes(set(range(256)) - set(_KEPT))
_TOKEN = re.compile(rb'"[^"]*+"?|[][{},]')
_LINE = re.compile(rb"\S[^\r\n]*+")

_FIELDS = ProductBody.__struct_fields__
_IDENTIFIERS = ("product_identifier", "product_id", "imageid")

_NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no JSON: malformed, not UTF-8, nested too deeply."""

_product_decoder = msgspec.json.Decoder(ProductBody)
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])


def media_type(request: AnyRequest) -> tuple[str, dict[str, str]]:
    """The media type of the body in lower case, and its parameters."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    return kind.lower(), options


class Memory:
    """The bytes of bodies that are held at once, over all requests, and of one user."""

    def __init__(self, settings: Settings) -> None:
        self._most = settings.bodies_bytes
        self._share = max(settings.max_batch_bytes, settings.max_body_bytes, self._most // 4)
        self._held: Counter[str] = Counter()

    @contextmanager
    def of(self, user: str) -> Iterator[Held]:
        """What a request of `user` holds, until it is answered."""
        held = Held(self, user)
        try:
            yield held
        finally:
            self._held[user] -= held.size
            if not self._held[user]:
                del self._held[user]

    def has_room(self, user: str, size: int) -> bool:
        """Take `size` bytes more, if there is room for them."""
        if self._held[user] + size > self._share or self._held.total() + size > self._most:
            return False
        self._held[user] += size
        return True


class Held:
    """The bytes one request holds."""

    def __init__(self, memory: Memory, user: str) -> None:
        self.size = 0
        self._memory = memory
        self._user = user

    def add(self, size: int) -> None:
        """Hold more. Raises Problem 503 when there is no room."""
        if not self._memory.has_room(self._user, size):
            raise busy("The service holds as many bodies as it can.")
        self.size += size


async def read_body(request: AnyRequest, limit: int, held: Held | None = None) -> bytes:
    """The whole body. Raises Problem 413 as soon as it is known to be over `limit` bytes.

    A body may be sent in chunks without a length, so what arrives is counted as well. None is
    unpacked: 415 says so (RFC 9110 section 15.5.16).
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        detail = "The body must not be compressed."
        raise Problem(415, detail, headers={"Accept-Encoding": "identity"})
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    pieces, size = [], 0
    while True:
        event = cast("HTTPReceiveMessage", await request.receive())
        if event["type"] == "http.disconnect":
            raise Problem(400, "The body ended too early.")
        if held is not None:
            held.add(len(event["body"]))
        pieces.append(event["body"])
        size += len(event["body"])
        if size > limit:
            raise _too_large(limit)
        if not event.get("more_body", False):
            return b"".join(pieces)


def _too_large(limit: int) -> Problem:
    return Problem(413, f"The body is larger than {limit} bytes.")


def unsupported(*expected: str) -> Problem:
    """415 that names what is taken (RFC 9110 section 15.5.16)."""
    names = ", ".join(expected)
    return Problem(415, f"The body must be one of: {names}.", headers={"Accept": names})


def url_encoded(body: bytes) -> dict[str, str]:
    """The fields of a form. Raises ValueError: not UTF-8, too many, or a field twice."""
    pairs = parse_qsl(
        body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
    )
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field is given twice")
    return fields


async def read_product(request: AnyRequest, settings: Settings, held: Held) -> ProductBody:
    """The one product of a request, as multipart form or JSON.

    Raises Problem: 400 malformed, 413 too large, 415 another media type, 422 not a product, 503
    too many bodies are held.
    """
    kind, options = media_type(request)
    if kind not in (MULTIPART, JSON):
        raise unsupported(MULTIPART, JSON)
    body = await read_body(request, settings.max_body_bytes, held)

    def parse() -> ProductBody:
        if kind == JSON:
            return check_product(decode_product(body), settings)
        return check_product(_from_form(body, options.get("boundary", "")), settings)

    return parse() if len(body) <= INLINE_BYTES else await asyncio.to_thread(parse)


def decode_product(text: bytes | msgspec.Raw) -> ProductBody:
    """One product in JSON. Raises Problem: 400 no JSON, 422 no product."""
    try:
        return _product_decoder.decode(text)
    except msgspec.ValidationError as error:
        raise Problem(422, f"Not a product: {error}.") from error
    except _NO_JSON as error:
        raise Problem(400, "The body is no valid JSON.") from error


def _from_form(body: bytes, boundary: str) -> ProductBody:
    fields: dict[str, bytes] = {}
    try:
        for name, value in _parts(body, boundary):
            if name in fields:
                raise Problem(400, f"The form has the field {name} twice.")
            if name in _FIELDS:
                fields[name] = value
    except (MultipartError, UnicodeError) as error:
        if isinstance(error, ParserLimitReached):
            raise Problem(413, f"The form has more than {MAX_PARTS} parts or headers.") from error
        raise Problem(400, "The body is no valid multipart form.") from error
    image = fields.pop("image", None)
    return ProductBody(image=image, **{name: _text(name, v) for name, v in fields.items()})


def _parts(body: bytes, boundary: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of every part (RFC 7578). Raises MultipartError."""
    with PushMultipartParser(boundary, len(body), max_segment_count=MAX_PARTS) as parser:
        name, content = "", bytearray()
        for event in (*parser.parse(body), *(() if parser.closed else parser.parse(b""))):
            if isinstance(event, MultipartSegment):
                name, content = event.name or "", bytearray()
            elif event:
                content += event
            else:
                yield name, bytes(content)


def _text(name: str, value: bytes) -> str | None:
    """A field of a form; an empty one is as good as absent."""
    try:
        return value.decode() or None
    except UnicodeDecodeError as error:
        raise Problem(400, f"The field {name} is not UTF-8.") from error


def check_product(body: ProductBody, settings: Settings) -> ProductBody:
    """`body` itself. Raises Problem 422 naming the fields at fault."""
    errors = [
        FieldError(name, f"has {len(text)} characters; at most {settings.max_text} are accepted")
        for name, text in (("designation", body.designation), ("description", body.description))
        if text and len(text) > settings.max_text
    ]
    errors += [
        FieldError(name, f"is longer than {MAX_IDENTIFIER} characters")
        for name in _IDENTIFIERS
        if len(str(getattr(body, name))) > MAX_IDENTIFIER
    ]
    if errors:
        raise Problem(422, "The product cannot be answered as it is.", errors=errors)
    if not (body.designation or body.description or body.image):
        raise Problem(422, "A product needs a designation, a description or an image.")
    return body


def product(body: ProductBody) -> Product:
    """What the classifier takes."""
    given = (body.product_identifier, body.product_id, body.imageid)
    identifier = next((each for each in given if each is not None), None)
    return Product(body.designation, body.description, body.image, identifier)


async def read_batch(
    request: AnyRequest, settings: Settings, held: Held
) -> list[tuple[ProductBody, Problem | None]]:
    """The products of a batch in order, each with what is wrong with it.

    Raises Problem: 400 malformed, 413 too large or too many, 415 another media type, 422 empty, 503
    too many bodies are held.
    """
    kind, _ = media_type(request)
    if kind not in (JSON, NDJSON):
        raise unsupported(JSON, NDJSON)
    body = await read_body(request, settings.max_batch_bytes, held)

    def parse() -> list[tuple[ProductBody, Problem | None]]:
        most = settings.max_batch_products
        texts = _array(body, most) if kind == JSON else _lines(body, most)
        if not texts:
            raise Problem(422, "The batch is empty.")
        if len(texts) > most:
            raise _too_many(most)
        return [_decoded(text, settings) for text in texts]

    return parse() if len(body) <= INLINE_BYTES else await asyncio.to_thread(parse)


def _too_many(most: int) -> Problem:
    return Problem(413, f"A batch has at most {most} products.")


def _lines(body: bytes, most: int) -> list[bytes]:
    """The lines that are not empty; of more than `most`, one more."""
    return [line[0] for line in islice(_LINE.finditer(body), most + 1)]


def _array(body: bytes, most: int) -> list[msgspec.Raw]:
    """The elements. Raises Problem 413 before a list of millions is made."""
    if len(body) > INLINE_BYTES:
        _check_elements(body, most)
    try:
        return _list_decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Problem(422, "A batch is a JSON array of products.") from error
    except _NO_JSON as error:
        raise Problem(400, "The body is no valid JSON.") from error


def _check_elements(body: bytes, most: int) -> None:
    """Raises Problem 413: more than `most` elements, or far more in them than products have."""
    # Without what is escaped and what is neither quote nor bracket: most of it is pictures.
    bare = body.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _OTHERS)
    depth, elements = 0, 1
    for count, token in enumerate(_TOKEN.finditer(bare)):
        kind = bare[token.start()]
        depth += (kind in b"[{") - (kind in b"]}")
        elements += depth == 1 and kind == ord(",")
        if elements > most:
            raise _too_many(most)
        if count > most * MAX_TOKENS:
            raise Problem(413, "The batch holds far more than its products need.")


def _decoded(text: bytes | msgspec.Raw, settings: Settings) -> tuple[ProductBody, Problem | None]:
    body = ProductBody()
    try:
        body = decode_product(text)
        check_product(body, settings)
    except Problem as problem:
        return body, problem
    return body, None
