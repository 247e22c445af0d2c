"""What schemathesis is told of the service that no OpenAPI document can say.

It imports this module by the variable SCHEMATHESIS_HOOKS.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import Any

import schemathesis

from serving.http.bodies import JSON, MAX_IDENTIFIER, MULTIPART, NDJSON, PICTURE_NAME
from serving.listing.images import ImageError, decode
from serving.listing.text import normalise_listing

_TEXTS = ("designation", "description")
_IDENTIFIERS = ("product_identifier", "product_id", "imageid")


@schemathesis.serializer(NDJSON)
def lines(_: Any, value: Any) -> bytes:
    """A body of lines is text."""
    return str(value).encode("utf-8", "surrogatepass")


@schemathesis.hook
def filter_case(_: Any, case: Any) -> bool:
    """Whether a case is what it says it is: one that the service has to accept, or to refuse.

    Lines, and the fields of a form, are text whatever they were made from, so that another type
    violates no schema. And of a product, the schema can say that a text or a picture is there, not
    that the one is more than markup and white space or the other more than noise, which is
    answered 422.
    """
    if case.media_type == NDJSON:
        return isinstance(case.body, str)
    if case.media_type not in (JSON, MULTIPART) or not isinstance(case.body, dict):
        return True
    if case.meta.generation.mode.is_positive:
        if any(PICTURE_NAME.match(name) for name in case.body.keys() - {"image"}):
            return False  # no schema forbids names by how they begin, so it cannot say this either
        if case.path == "/corrections":
            return False  # codes are data, of which the document knows nothing
        return _has_text(case.body) or _has_picture(_sent(case.body, "image"))
    return case.media_type == JSON or not _is_product_as_text(case.body)


def _sent(product: dict[str, Any], name: str) -> Any:
    """A field; schemathesis hands bytes over as an empty text that carries them."""
    value = product.get(name, "")
    return getattr(value, "data", value)


def _has_text(product: dict[str, Any]) -> bool:
    texts = (product.get(name) for name in _TEXTS)
    return not normalise_listing(*(t if isinstance(t, str) else "" for t in texts)).empty


def _has_picture(image: Any) -> bool:
    with suppress(ImageError, ValueError, TypeError):
        decode(image if isinstance(image, bytes) else base64.b64decode(image), 16)
        return True
    return False


def _is_product_as_text(form: dict[str, Any]) -> bool:
    filled = any(_sent(form, name) not in ("", b"") for name in (*_TEXTS, "image"))
    return filled and all(len(str(form.get(name))) <= MAX_IDENTIFIER for name in _IDENTIFIERS)
