"""The OpenAPI 3.1 document: what the handlers' signatures cannot say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.spec import (
    Components,
    Example,
    OAuthFlow,
    OAuthFlows,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
)

from serving.http.bodies import JSON, MULTIPART, NDJSON, URL_ENCODED
from serving.http.problems import MEDIA_TYPE, OAuthErrorBody, ProblemDetails, title

OPENAPI = "application/vnd.oai.openapi+json"

PUBLIC: list[dict[str, list[str]]] = [{}]
"""The security of a route that needs no token (OpenAPI 3.1: an empty requirement)."""

_BASE64 = (
    "^(data:image/[A-Za-z0-9.+-]+;base64,)?"
    "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
)

_NOT_BLANK = "[^\\t-\\r ]"

_IDENTIFIERS = {
    "product_identifier": "1263597046",
    "product_id": 3804725264,
    "imageid": 1263597046,
}
_EXAMPLE = {
    "designation": "Piscine gonflable ronde 3 m",
    "description": "Piscine familiale avec pompe",
    **_IDENTIFIERS,
}

_EXPLAINED_EXAMPLE = {
    "predicted": 2583,
    "label": "Piscine",
    "confidence": 0.97,
    "accepted": True,
    "predictions": [
        {"prediction": 2583, "label": "Piscine", "confidence": 0.97},
        {"prediction": 1302, "label": "Jeux de plein air", "confidence": 0.02},
    ],
    "evidence": "both",
    "image_error": None,
    **_IDENTIFIERS,
    "model": "5a4560535e02174044706c8368e9078c.dir",
    "message": "Produit classé : Piscine (2583)",
    "explanation": {
        "words": [
            {"field": "designation", "word": "Piscine", "start": 0, "end": 7, "effect": 5.4},
            {"field": "designation", "word": "ronde", "start": 18, "end": 23, "effect": -0.3},
        ],
        "regions": [{"left": 0.25, "top": 0.5, "right": 0.5, "bottom": 0.75, "effect": 1.1}],
    },
}


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """Documents answers that are problem details."""
    return {
        status: ResponseSpec(
            ProblemDetails,
            generate_examples=False,
            description=title(status),
            media_type=MEDIA_TYPE,
        )
        for status in (*statuses, 500)
    }


def oauth_problems() -> dict[int, ResponseSpec]:
    """Documents the token endpoint's 400."""
    return {
        400: ResponseSpec(
            OAuthErrorBody, generate_examples=False, description="RFC 6749 section 5.2"
        )
    }


def _string(description: str, **more: Any) -> Schema:
    return Schema(type=OpenAPIType.STRING, description=description, **more)


def _product(image: Schema, text: list[OpenAPIType], identifier: Schema) -> Schema:
    properties: dict[str, Schema | Reference] = {
        "designation": Schema(type=text, description="Title of the listing."),
        "description": Schema(type=text, description="Description; HTML is stripped."),
        "image": image,
        **dict.fromkeys(_IDENTIFIERS, identifier),
    }
    return Schema(
        type=OpenAPIType.OBJECT,
        properties=properties,
        any_of=[_needed(name) for name in ("designation", "description", "image")],
        description="A text (designation, description) or an image is needed.",
    )


def _needed(name: str) -> Schema:
    filled = Schema(type=OpenAPIType.STRING, min_length=1)
    return Schema(required=[name], properties={name: filled})


_FORM = _product(
    _string("JPEG, PNG or WebP.", format="binary"),
    [OpenAPIType.STRING],
    _string("Given back as it is.", max_length=128),
)
_JSON = _product(
    Schema(
        type=[OpenAPIType.STRING, OpenAPIType.NULL],
        description="JPEG, PNG or WebP in base64, or its data URL.",
        content_encoding="base64",  # says what it is, and demands nothing (JSON Schema, 2020-12)
        pattern=_BASE64,
    ),
    [OpenAPIType.STRING, OpenAPIType.NULL],
    Schema(
        type=[OpenAPIType.STRING, OpenAPIType.INTEGER, OpenAPIType.NULL],
        description="Given back as it is; at most 128 characters.",
        max_length=128,
    ),
)


def _body(content: Mapping[str, tuple[Schema, Any]]) -> RequestBody:
    media = {
        kind: OpenAPIMediaType(schema=schema, examples={"example": Example(value=value)})
        for kind, (schema, value) in content.items()
    }
    return RequestBody(content=media, required=True)


@dataclass
class ProductOperation(Operation):
    """One product as a form or as JSON."""

    def __post_init__(self) -> None:
        self.request_body = _body(
            {
                MULTIPART: (_FORM, {k: str(v) for k, v in _EXAMPLE.items()}),
                JSON: (_JSON, _EXAMPLE),
            }
        )


@dataclass
class ExplainOperation(ProductOperation):
    """One product, whose answer is shown with its explanation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse) and answer.content:
            shown: dict[str, Example | Reference] = {"example": Example(value=_EXPLAINED_EXAMPLE)}
            answer.content[JSON].examples = shown


@dataclass
class BatchOperation(Operation):
    """Products as a JSON array, or one on each line."""

    def __post_init__(self) -> None:
        item = Schema(
            any_of=[_JSON, Schema()], description="What is no product is answered with its error."
        )
        array = Schema(type=OpenAPIType.ARRAY, items=item, min_items=1)
        lines = _string(
            "One product in JSON on each line. What is none is answered with its error.",
            pattern=_NOT_BLANK,
        )
        text = '{"designation": "Piscine"}\n{"designation": "Livre"}\n'
        self.request_body = _body({JSON: (array, [_EXAMPLE]), NDJSON: (lines, text)})
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse) and answer.content:
            answered = _string("One answer, or one error, in JSON on each line.")
            answer.content[NDJSON] = OpenAPIMediaType(schema=answered)


@dataclass
class TokenOperation(Operation):
    """The form of RFC 6749 section 4.3.2."""

    def __post_init__(self) -> None:
        form = Schema(
            type=OpenAPIType.OBJECT,
            required=["username", "password"],
            properties={
                "grant_type": _string("password, or left out."),
                "username": _string("Name of the user."),
                "password": _string("Password.", format="password"),
                "scope": _string("Scopes, separated by spaces; default: all the user has."),
            },
        )
        example = {"grant_type": "password", "username": "alice", "password": "…"}
        self.request_body = _body({URL_ENCODED: (form, example)})


def config() -> OpenAPIConfig:
    """Title, bearer scheme, and the rule that a route needs a token unless it says otherwise."""
    flow = OAuthFlow(
        token_url="/token",  # noqa: S106 - a path
        scopes={
            "predict": "ask the classifier",
            "metrics": "read the metrics",
            "reload": "have the classifier loaded anew",
        },
    )
    scheme = SecurityScheme(
        type="http", scheme="bearer", bearer_format="JWT", description="A token of POST /token."
    )
    password = SecurityScheme(type="oauth2", flows=OAuthFlows(password=flow))
    return OpenAPIConfig(
        title="Product type codes",
        version="1.0.0",
        description="Assigns Rakuten France product type codes to marketplace listings.",
        components=Components(security_schemes={"bearer": scheme, "password": password}),
        security=[{"bearer": []}, {"password": ["predict"]}],
        use_handler_docstrings=True,
    )
