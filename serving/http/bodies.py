"""From the bytes of a request to products: multipart, JSON and NDJSON, all bounded."""

from __future__ import annotations

import asyncio
import codecs
import json
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from encodings.aliases import aliases
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
from serving.http.body_budget import Reserve
from serving.http.problems import FieldError, Problem
from serving.http.schemas import CorrectionBody, ProductBody
from serving.listing.labels import Code
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
_STRUCTURE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[][{},]', re.DOTALL)
_IDENTIFIER = re.compile(
    rb'"(product_identifier|product_id|imageid)"\s*+:\s*+("(?:[^"\\]|\\.){0,128}+"|-?\d{1,18}+)'
)
_DATA_URL = re.compile(
    r"data:(?:image/[\w.+-]+|application/octet-stream)?(?:;[\w.+-]+=[^;,]*+)*+;base64,",
    re.IGNORECASE,
)
PICTURE_NAME = re.compile(r"(image|picture|photo|img|file|upload)", re.IGNORECASE)
_PICTURE = re.compile(
    rb'"?((?i:data:[^",]{0,99};base64,)'
    rb"|\\?/9j\\?/|iVBORw0KGgo|UklGR|R0lGOD|Qk(?:\\?[\w+/]){6}AAAAA|SUkqA|TU0AK|AAAA\\?[\w+/]{2}Z0eXB"
    rb"|\xff\xd8\xff|\x89PNG|RIFF.{4}WEBP|GIF8|BM.{4}\0{4}|II\*\0|MM\0\*|\0{3}.ftyp)",
    re.DOTALL,
)
"""How a picture begins: in a data URL, in base64, as it is; each in the order of FORMATS."""
_FILLED = re.compile(rb'"[^"]|[\[{]\s*+[^]}\s]')
_FILE_NAME = re.compile(r";\s*filename\*?\s*=", re.IGNORECASE)
_FIRST_BOUNDARY = re.compile(rb"(?:\A|\n)--([^\r\n]{1,70}?)(?:--)?[ \t]*(\r?\n|\Z)")

_FIELDS = ProductBody.__struct_fields__
_CHARSETS = {*aliases.values(), "utf_8_sig"} - {
    *("base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"),
    *("mbcs", "utf_7"),
}
"""Python's codecs of text; idna and punycode, which take quadratic time, are not among them."""
_BYTE_ORDER_MARK = codecs.BOM_UTF8
_IDENTIFIERS = ("product_identifier", "product_id", "imageid")

_NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no JSON: malformed, not UTF-8, nested too deeply."""

_product_decoder = msgspec.json.Decoder(ProductBody)
_correction_decoder = msgspec.json.Decoder(
    msgspec.defstruct(
        "Said",
        [
            ("code", Code | None),
            ("answer", str | None, None),
            ("note", str, ""),
            ("settles", bool, False),
        ],
    )
)
_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])


def media_type(request: AnyRequest) -> tuple[str, dict[str, str]]:
    """The media type of the body in lower case, and its parameters."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    return kind.lower(), options


async def read_body(request: AnyRequest, limit: int, reserve: Reserve | None = None) -> bytes:
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
        if reserve is not None:
            reserve(len(event["body"]))
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


async def read_product(request: AnyRequest, settings: Settings, reserve: Reserve) -> ProductBody:
    """The one product of a request, as multipart form or JSON.

    Raises Problem: 400 malformed, 413 too large, 415 another media type, 422 not a product, 503
    too many bodies are held.
    """
    kind, options = media_type(request)
    if kind not in (MULTIPART, JSON):
        raise unsupported(MULTIPART, JSON)
    body = await read_body(request, settings.max_body_bytes, reserve)

    def parse() -> ProductBody:
        boundary = options.get("boundary", "")
        product = decode_product(body) if kind == JSON else _from_form(body, boundary)
        return check_product(product, settings)

    return parse() if len(body) <= INLINE_BYTES else await asyncio.to_thread(parse)


async def read_correction(
    request: AnyRequest, settings: Settings, reserve: Reserve
) -> CorrectionBody:
    """What a reviewer says of a product. Raises as `read_product` does, but does not ask for a
    product, which may be named by the id of its answer."""
    if media_type(request)[0] != JSON:
        raise unsupported(JSON)
    body = await read_body(request, settings.max_body_bytes, reserve)

    def parse() -> CorrectionBody:
        product = decode_product(body)
        try:
            said = _correction_decoder.decode(body.removeprefix(_BYTE_ORDER_MARK))
        except msgspec.ValidationError as error:
            raise Problem(422, f"Not a correction: {error}.") from error
        fields = msgspec.structs.asdict(product)
        return CorrectionBody(**fields, **msgspec.structs.asdict(said))

    return parse() if len(body) <= INLINE_BYTES else await asyncio.to_thread(parse)


def decode_product(text: bytes | msgspec.Raw) -> ProductBody:
    """One product in JSON; `image` is base64, with or without the prefix of a data URL (RFC 2397).

    Raises Problem: 400 no JSON, 413 far more than a product needs, 422 no product, a field twice,
    or a picture in a field that nobody reads.
    """
    content = bytes(text).removeprefix(_BYTE_ORDER_MARK)
    if len(content) > INLINE_BYTES:
        deque(_tokens(content, MAX_TOKENS), maxlen=0)
    try:
        fields = _object_decoder.decode(content)
        for name, value in fields.items():
            if name not in _FIELDS and _holds_picture(name, bytes(value)):
                raise _unread(name)
        if twice := _given_twice(content):
            raise Problem(422, f"Not a product: it has the field {twice} twice.")
        picture = fields.pop("image", None)
        if picture is None or bytes(picture)[:6].lower() != b'"data:':
            return _product_decoder.decode(content)
        body = _product_decoder.decode(msgspec.json.encode(fields))
        url = msgspec.json.decode(picture, type=str)
        prefix = _DATA_URL.match(url)
        if prefix is None:
            raise Problem(422, f"image: {url[:40]!r} is no data URL of a picture in base64.")
        body.image = msgspec.convert(url[prefix.end() :], bytes)
        return body
    except msgspec.ValidationError as error:
        raise Problem(422, f"Not a product: {error}.") from error
    except _NO_JSON as error:
        raise _no_json(content, error) from error


def _given_twice(content: bytes) -> str:
    """A field that an object has twice, of which decoders take one (RFC 8259 section 4); "" if
    none."""
    depth, expected, seen = 0, False, set()
    for token in _STRUCTURE.finditer(content):
        mark = token[0]
        if expected and mark.startswith(b'"'):
            name = msgspec.json.decode(mark, type=str)
            if name in seen and name in _FIELDS:
                return name
            seen.add(name)
        depth += (mark in b"[{") - (mark in b"]}")
        expected = depth == 1 and mark in b"{,"
    return ""


def _no_json(body: bytes, error: Exception) -> Problem:
    """400 that says where, and why (RFC 8259: UTF-8, no NaN, nothing beside one value)."""
    if isinstance(error, RecursionError):
        return Problem(400, "The body is no valid JSON: it is nested too deeply.")
    encoding = json.detect_encoding(body)
    if not encoding.startswith("utf-8"):
        return Problem(400, f"The body is no valid JSON: it is {encoding[:6].upper()}, not UTF-8.")
    try:
        body.decode()
    except UnicodeDecodeError as fault:
        reason = f"byte {fault.start} (0x{body[fault.start]:02x}) is not UTF-8"
        return Problem(400, f"The body is no valid JSON: {reason}.")
    reason = str(error).removeprefix("JSON is malformed: ")
    position = re.search(r"\(byte (\d+)\)", reason)
    if position and body[int(position[1]) :].lstrip(b"-").startswith((b"NaN", b"Inf")):
        reason = f"NaN and Infinity are no numbers of JSON {position[0]}; leave the field out"
    return Problem(400, f"The body is no valid JSON: {reason}.")


def _holds_picture(name: str, value: bytes) -> bool:
    """Whether a member of a product in JSON has a picture's name or content."""
    return bool(_PICTURE.match(value) or (PICTURE_NAME.match(name) and _FILLED.match(value)))


def _unread(name: str) -> Problem:
    """422: a picture in a field that nobody reads would be dropped unseen."""
    return Problem(
        422, f"The field {name[:40]!r} is not read; the fields are {', '.join(_FIELDS)}."
    )


def _from_form(body: bytes, boundary: str) -> ProductBody:
    fields: dict[str, bytes] = {}
    charsets: dict[str, str] = {}
    try:
        for part, value in _parts(body, boundary):
            name = part.name or ""
            if name in fields:
                raise Problem(400, f"The form has the field {name} twice.")
            if name in _FIELDS or name == "_charset_":
                fields[name] = value
                charsets[name] = part.charset or ""
            elif value and (_is_file(part) or PICTURE_NAME.match(name) or _PICTURE.match(value)):
                raise _unread(name)
    except (MultipartError, UnicodeError) as error:
        if isinstance(error, ParserLimitReached):
            raise Problem(413, f"The form has more than {MAX_PARTS} parts or headers.") from error
        reason = _form_fault(body, boundary)
        raise Problem(400, f"The body is no valid multipart form: {reason}.") from error
    default = fields.pop("_charset_", b"").decode("ascii", "replace")
    image = fields.pop("image", None)
    texts = {name: _text(name, v, charsets[name] or default) for name, v in fields.items()}
    return ProductBody(image=image, **texts)


def _is_file(part: MultipartSegment) -> bool:
    """Whether a part is a file, by its name (RFC 7578 section 4.2, RFC 6266) or its type."""
    disposition = part.header("Content-Disposition") or ""
    kind = part.content_type or ""
    return bool(_FILE_NAME.search(disposition)) or kind.startswith(("image/", "application/octet"))


def _form_fault(body: bytes, boundary: str) -> str:
    """Why a form cannot be read."""
    if not boundary:
        return "its Content-Type names no boundary; let the HTTP library write that header"
    first = _FIRST_BOUNDARY.search(body)
    if first is None:
        return f"the boundary {boundary[:70]!r} is not in it"
    if first[1] != boundary.encode("latin-1", "replace"):
        actual = first[1].decode("latin-1")
        return f"its parts are divided by {actual!r}, its Content-Type names {boundary[:70]!r}"
    if first[2] == b"\n":
        return "its lines end in line feeds alone; expected CR LF (RFC 2046 section 4.1.1)"
    if f"--{boundary}--".encode("latin-1", "replace") not in body:
        return "it ends before its last boundary"
    return "a part of it has no name, or a header that is broken"


def _parts(body: bytes, boundary: str) -> Iterator[tuple[MultipartSegment, bytes]]:
    """Head and content of every part (RFC 7578). Raises MultipartError.

    Heads are read as Latin-1, which no file name breaks; the names that are read are ASCII.
    """
    with PushMultipartParser(
        boundary, len(body), max_segment_count=MAX_PARTS, header_charset="latin-1"
    ) as parser:
        content = bytearray()
        part = None
        for event in (*parser.parse(body), *(() if parser.closed else parser.parse(b""))):
            if isinstance(event, MultipartSegment):
                part, content = event, bytearray()
            elif event:
                content += event
            else:
                yield part, bytes(content)


def _text(name: str, value: bytes, charset: str) -> str | None:
    """A field of a form, in the charset that its part, or the form (RFC 7578 section 4.6), names;
    an empty one is as good as absent."""
    key = charset.lower().replace("-", "_")
    codec = aliases.get(key, key) if charset else "utf_8"
    if codec not in _CHARSETS:
        detail = f"The field {name} has the charset {charset[:40]!r}, which is not known."
        raise Problem(400, detail)
    try:
        return value.decode(codec) or None
    except UnicodeError as error:
        raise Problem(400, f"The field {name} is not {charset or 'UTF-8'}.") from error


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
    identifiers = (body.product_identifier, body.product_id, body.imageid)
    identifier = next((value for value in identifiers if value is not None), None)
    return Product(body.designation, body.description, body.image, identifier)


async def read_batch(
    request: AnyRequest, settings: Settings, reserve: Reserve
) -> list[tuple[ProductBody, Problem | None]]:
    """The products of a batch in order, each with what is wrong with it.

    Raises Problem: 400 malformed, 413 too large or too many, 415 another media type, 422 empty, 503
    too many bodies are held.
    """
    kind, _ = media_type(request)
    if kind not in (JSON, NDJSON):
        raise unsupported(JSON, NDJSON)
    body = await read_body(request, settings.max_batch_bytes, reserve)

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
    body = body.removeprefix(_BYTE_ORDER_MARK)
    return [line[0] for line in islice(_LINE.finditer(body), most + 1)]


def _array(body: bytes, most: int) -> list[bytes]:
    """The elements. Raises Problem 413 before a list of millions is made."""
    body = body.removeprefix(_BYTE_ORDER_MARK)
    if len(body) > INLINE_BYTES:
        _check_elements(body, most)
    try:
        return [bytes(element) for element in _list_decoder.decode(body)]
    except msgspec.ValidationError as error:
        raise Problem(422, "A batch is a JSON array of products.") from error
    except RecursionError as error:
        raise _no_json(body, error) from error
    except _NO_JSON as error:
        elements = _divided(body)
        if elements is None:
            raise _no_json(body, error) from error
        return elements


def _divided(body: bytes) -> list[bytes] | None:
    """The elements of an array, one of which is no JSON; None where the array itself is none.

    So a bad product of a batch refuses itself only.
    """
    depth, start, elements = 0, 0, []
    for token in _STRUCTURE.finditer(body):
        mark = token[0]
        if mark in (b"[", b"{"):
            depth += 1
            if depth == 1:
                if mark != b"[" or body[: token.start()].strip():
                    return None
                start = token.end()
        elif depth == 1 and mark in (b",", b"]"):
            elements.append(body[start : token.start()])
            start = token.end()
        if mark in (b"]", b"}"):
            depth -= 1
            if not depth:
                break
    whole = depth == 0 and not body[start:].strip() and all(map(bytes.strip, elements))
    return elements if elements and whole else None


def _tokens(body: bytes, most: int) -> Iterator[int]:
    """The first byte of each string, bracket and comma. Raises Problem 413 after `most` of them."""
    # Without what is escaped and what is neither quote nor bracket: most of it is pictures.
    bare = body.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _OTHERS)
    for count, token in enumerate(_TOKEN.finditer(bare)):
        if count > most:
            raise Problem(413, "The body holds far more than its products need.")
        yield bare[token.start()]


def _check_elements(body: bytes, most: int) -> None:
    """Raises Problem 413: more than `most` elements, or far more in them than products have."""
    depth, elements = 0, 1
    for kind in _tokens(body, most * MAX_TOKENS):
        depth += (kind in b"[{") - (kind in b"]}")
        elements += depth == 1 and kind == ord(",")
        if elements > most:
            raise _too_many(most)


def _decoded(text: bytes, settings: Settings) -> tuple[ProductBody, Problem | None]:
    """A product of a batch, or its identifiers and why it is refused."""
    body = None
    try:
        body = decode_product(text)
        return check_product(body, settings), None
    except Problem as problem:
        return body or _identifiers(text), problem


def _identifiers(text: bytes) -> ProductBody:
    """What can be told of a product that is none: the client has to know which one it was."""
    body, depth = ProductBody(), 0
    for token in islice(_STRUCTURE.finditer(text), MAX_TOKENS):
        depth += (token[0] in b"[{") - (token[0] in b"]}")
        member = _IDENTIFIER.match(text, token.start()) if depth == 1 else None
        if member:
            with suppress(*_NO_JSON):
                setattr(body, member[1].decode(), msgspec.json.decode(member[2]))
    return body
