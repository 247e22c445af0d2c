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
    is the lock hash of the classifier. `id` names the product's answer in corrections: the same
    texts and picture always have the same.
    """

    id: str

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


class CorrectionBody(ProductBody, kw_only=True):
    """What a reviewer says of a product: its right `code`, null to take back what was said before.

    The product is that of the answer with the id `answer`, or is given itself, as to /predict. One
    that `settles` a conflict outvotes what was said before it.
    """

    code: Code | None
    answer: str | None = None
    note: str = ""
    settles: bool = False


class Corrected(msgspec.Struct):
    """The entry that was added, the product's id, and the right code with its name."""

    number: int
    product: str
    code: Code | None
    label: str | None


class ReviewItem(msgspec.Struct):
    """A product to be reviewed: its answer, why it is asked, and until when (in seconds since 1970)
    nobody else gets it. `picture` says whether there is one to look at."""

    id: str
    time: str
    designation: str | None
    description: str | None
    identifier: str | None
    picture: bool
    reason: str
    predicted: Code
    label: str
    confidence: float
    accepted: bool
    predictions: list[Candidate]
    model: str
    until: float


class Opinion(msgspec.Struct):
    """What one of several reviewers said."""

    reviewer: str
    code: Code
    label: str
    note: str
    time: str


class Disagreement(msgspec.Struct):
    """A product about which reviewers disagree, and what each said last."""

    product: str
    designation: str | None
    description: str | None
    entries: list[Opinion]


class ReviewState(msgspec.Struct):
    """How many answers wait, how many the reviewer decided today, and the first conflicts."""

    waiting: int
    mine: int
    conflicts: list[Disagreement]


class CodeAbout(msgspec.Struct):
    """A code, its name, and the names of all that it stands under, the most general first."""

    code: Code
    label: str
    path: list[str]


class CodeScores(msgspec.Struct):
    """How well a code is found, measured on the test products."""

    code: Code
    label: str
    f1: float
    precision: float
    recall: float
    support: float


class Confusion(msgspec.Struct):
    """Test products of one code that were taken for another, and titles of some."""

    actual: Code
    actual_label: str
    predicted: Code
    predicted_label: str
    count: int
    examples: list[str]


class FeatureDrift(msgspec.Struct):
    """How far a feature of the latest `products` is from those of training; null where they are too
    few to say."""

    feature: str
    products: int
    distance: float | None
    threshold: float | None
    drifted: bool


class ReviewedPrecision(msgspec.Struct):
    """The share of right answers among the accepted, on a sample that reviewers looked at; with its
    interval at 95 %, and the precision that was asked of the pipeline."""

    right: int
    products: int
    low: float
    high: float
    promised: float


class Quality(msgspec.Struct):
    """The classifier as people look at it; `since` is when it was loaded, in seconds since 1970."""

    model: str
    since: float
    card: str | None
    codes: list[CodeScores]
    confused: list[Confusion]
    drift: list[FeatureDrift]
    reviewed: ReviewedPrecision | None


class Session(msgspec.Struct):
    """Who is logged in, what for, until when (in seconds since 1970), and what every request that
    changes something has to repeat in X-CSRF-Token."""

    username: str
    full_name: str
    scopes: list[str]
    csrf: str
    expires: float


class Login(msgspec.Struct):
    """A user's name and password."""

    username: str
    password: str


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
