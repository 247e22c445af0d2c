"""The bodies of requests and answers, as they appear in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from serving.classifier.explaining import Explanation
from serving.classifier.levels import Level
from serving.http.problems import ProblemDetails
from serving.listing.labels import Code

Identifier = str | int | None


class ProductBody(msgspec.Struct):
    """One listing. Either the text or the picture may be missing, not both."""

    designation: str | None = None
    description: str | None = None
    image: bytes | None = None
    product_identifier: Identifier = None
    product_id: Identifier = None
    imageid: Identifier = None


class Candidate(msgspec.Struct):
    """A code the product may have, and how probable it is."""

    prediction: Code
    label: str
    confidence: float


class Answer(msgspec.Struct):
    """The code of a product.

    `accepted` says whether the answer may stand without a person looking at it; `path` the same of
    all that it stands under, the most general first and the answer last, and `accepted_as` the last
    of these that may stand, null if none may; `evidence` what
    it rests on (text, image, both); `image_error` why a given picture could not be used; `model`
    is the lock hash of the classifier.
    """

    predicted: Code
    label: str
    confidence: float
    accepted: bool
    path: list[Level]
    accepted_as: Code | None
    predictions: list[Candidate]
    evidence: str
    image_error: str | None
    product_identifier: Identifier
    product_id: Identifier
    imageid: Identifier
    model: str
    message: str


class ExplainedAnswer(Answer):
    """The code of a product, and what moved the answer."""

    explanation: Explanation


class Refusal(msgspec.Struct):
    """A product of a batch that could not be answered, and why."""

    error: ProblemDetails
    product_identifier: Identifier
    product_id: Identifier
    imageid: Identifier


class Message(msgspec.Struct):
    """Where to go from here."""

    message: str
    links: dict[str, str]


class Status(msgspec.Struct):
    """Whether the service answers."""

    status: str


class Token(msgspec.Struct):
    """Answer of the token endpoint, RFC 6749 section 5.1."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class Identity(msgspec.Struct):
    """Whose token it is."""

    username: str
    full_name: str
    scopes: list[str]


class Reloaded(msgspec.Struct):
    """What became of a reload, and the lock hash of the classifier that answers now."""

    outcome: Literal["loaded", "unchanged"]
    model: str


class ModelAbout(msgspec.Struct):
    """The loaded classifier: its lock hash, its manifest and its measured quality."""

    model: str
    codes: list[Code]
    labels: dict[str, str]
    parameters: dict[str, Any]
    manifest: dict[str, Any]
    metrics: dict[str, Any] | None
