"""The OpenAPI 3.1 document: what the handlers' signatures cannot say of themselves."""

from __future__ import annotations

from typing import Any

from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.spec import Components, OAuthFlow, OAuthFlows, SecurityScheme

from serving.http.bodies import JSON, MAX_IDENTIFIER, MULTIPART, NDJSON, URL_ENCODED
from serving.http.problems import MEDIA_TYPE, OAuthErrorBody, ProblemDetails, title
from serving.listing.heads import ANY_FORMAT

OPENAPI = "application/vnd.oai.openapi+json"

PUBLIC: list[dict[str, list[str]]] = [{}]
"""The security of a route that needs no token (OpenAPI 3.1: an empty requirement)."""

_BASE64 = (
    "^(data:image/[A-Za-z0-9.+-]+;base64,)?"
    "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
)

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
    "id": "5f1d7a84db00d2fce00b31a7fc73224f",
    "predicted": 2583,
    "label": "Piscine",
    "confidence": 0.97,
    "accepted": True,
    "path": [{"code": 2583, "label": "Piscine", "confidence": 0.97, "accepted": True}],
    "accepted_as": 2583,
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
    about = "RFC 6749 section 5.2"
    return {400: ResponseSpec(OAuthErrorBody, generate_examples=False, description=about)}


def _string(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


def _product(*, text: Any, image: dict[str, Any], identifier: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a product whose fields are of these kinds."""
    filled = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "description": "A text (designation, description) or an image is needed.",
        "properties": {
            "designation": {"type": text, "description": "Title of the listing."},
            "description": {"type": text, "description": "Description; HTML is stripped."},
            "image": image,
            **{name: {**identifier, "maxLength": MAX_IDENTIFIER} for name in _IDENTIFIERS},
        },
        "anyOf": [
            {"required": [name], "properties": {name: filled}}
            for name in ("designation", "description", "image")
        ],
    }


_FORM = _product(
    text="string",
    image=_string(f"{ANY_FORMAT}.", format="binary"),
    identifier=_string("Given back as it is."),
)
_JSON = _product(
    text=["string", "null"],
    image={
        "type": ["string", "null"],
        "description": f"{ANY_FORMAT} in base64, or its data URL.",
        "contentEncoding": "base64",  # says what it is, and demands nothing (JSON Schema, 2020-12)
        "pattern": _BASE64,
    },
    identifier={
        "type": ["string", "integer", "null"],
        "description": f"Given back as it is; at most {MAX_IDENTIFIER} characters.",
    },
)


def _media(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {"schema": schema, "examples": {"example": {"value": example}}}


_ONE_PRODUCT = {
    MULTIPART: _media(_FORM, {name: str(value) for name, value in _EXAMPLE.items()}),
    JSON: _media(_JSON, _EXAMPLE),
}
_PRODUCTS = {
    JSON: _media(
        {
            "type": "array",
            "minItems": 1,
            "items": {
                "anyOf": [_JSON, {}],
                "description": "What is no product is answered with its error.",
            },
        },
        [_EXAMPLE],
    ),
    NDJSON: _media(
        _string(
            "One product in JSON on each line. What is none is answered with its error.",
            pattern="[^\\t-\\r ]",
        ),
        '{"designation": "Piscine"}\n{"designation": "Livre"}\n',
    ),
}
_LOGIN_FIELDS = {
    "grant_type": _string("password, or left out."),
    "username": _string("Name of the user."),
    "password": _string("Password.", format="password"),
    "scope": _string("Scopes, separated by spaces; default: all the user has."),
}
_LOGIN = {
    URL_ENCODED: _media(
        {"type": "object", "required": ["username", "password"], "properties": _LOGIN_FIELDS},
        {"grant_type": "password", "username": "alice", "password": "…"},
    )
}
_CORRECTION = {
    JSON: _media(
        {
            "type": "object",
            "description": "The product is that of the answer, or given itself as to /predict.",
            "required": ["code"],
            "properties": {
                **_JSON["properties"],
                "code": {
                    "type": ["string", "integer", "null"],
                    "description": "The right one, of GET /codes; null takes back what was said.",
                },
                "answer": {"type": ["string", "null"], "description": "`id` of an answer."},
                "note": {"type": "string", "maxLength": 1000},
                "settles": {"type": "boolean", "description": "Outvote what others said."},
            },
            "anyOf": [
                {"required": ["answer"], "properties": {"answer": {"type": "string"}}},
                *_JSON["anyOf"],
            ],
        },
        {"answer": "5f1d7a84db00d2fce00b31a7fc73224f", "code": 2583, "note": "une piscine"},
    )
}
_SESSION = {
    JSON: _media(
        {
            "type": "object",
            "required": ["username", "password"],
            "properties": {
                name: {**_LOGIN_FIELDS[name], "minLength": 1} for name in ("username", "password")
            },
        },
        {"username": "alice", "password": "…"},
    )
}
_BODIES = {
    "/corrections": _CORRECTION,
    "/login": _SESSION,
    "/predict": _ONE_PRODUCT,
    "/predict_code": _ONE_PRODUCT,
    "/explain": _ONE_PRODUCT,
    "/predict/batch": _PRODUCTS,
    "/token": _LOGIN,
}
"""What each route reads: handlers read bodies themselves, so their signatures do not tell."""

_ANSWERS: dict[str, dict[str, Any]] = {
    "/explain": {JSON: {"examples": {"example": {"value": _EXPLAINED_EXAMPLE}}}},
    "/predict/batch": {
        NDJSON: {"schema": _string("One answer, or one error, in JSON on each line.")}
    },
}
"""What is said of answers beside their types."""


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the bodies that are only told here."""
    for path, operations in document["paths"].items():
        if path in _BODIES:
            operations["post"]["requestBody"] = {"required": True, "content": _BODIES[path]}
        for kind, more in _ANSWERS.get(path, {}).items():
            operations["post"]["responses"]["200"]["content"].setdefault(kind, {}).update(more)
    return document


def config() -> OpenAPIConfig:
    """Title, bearer scheme, and the rule that a route needs a token unless it says otherwise."""
    flow = OAuthFlow(
        token_url="/token",  # noqa: S106 - a path
        scopes={
            "predict": "ask the classifier",
            "review": "review answers and correct them",
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
