"""What the classifier takes and what it gives: plain data, without what computes it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from serving.classifier.fusion import BranchLogits, State
from serving.classifier.levels import Level
from serving.classifier.traits import PictureTraits, Traits
from serving.listing.identity import content_key
from serving.listing.labels import Code


@dataclass(frozen=True)
class Product:
    """One listing as it comes: raw designation (title), raw (HTML) description, picture.

    The picture is encoded, or decoded already: uint8 [image_size, image_size, 3]. `identifier` is
    what its owner calls it; no answer depends on it.
    """

    designation: str | None = None
    description: str | None = None
    image: bytes | np.ndarray | None = None
    identifier: str | int | None = None

    @cached_property
    def picture_hash(self) -> str | None:
        """SHA-256 of the encoded picture, in hexadecimal; None without one."""
        is_encoded = isinstance(self.image, bytes) and self.image
        return hashlib.sha256(self.image).hexdigest() if is_encoded else None  # type: ignore[arg-type]

    @cached_property
    def key(self) -> str:
        """What makes two requests one product, 32 hexadecimal digits: texts and encoded picture,
        whoever asks, whenever, and whatever its owner calls it."""
        return content_key(self.designation or "", self.description or "", self.picture_hash or "")


@dataclass(frozen=True)
class Prediction:
    """The answer for one product.

    `probabilities` is float64 [codes], in the order of `Classifier.codes`. `image_error` says why
    a picture that was given could not be used; the answer then rests on the text alone. `traits`
    are there where products were answered, not where logits alone were. `above` is what the code
    stands under, the most general first.
    """

    code: Code
    label: str
    confidence: float
    accepted: bool
    state: State
    probabilities: np.ndarray
    image_error: str | None = None
    traits: Traits | None = None
    above: tuple[Level, ...] = ()

    @property
    def path(self) -> tuple[Level, ...]:
        """All levels of the answer, its code the last."""
        return (*self.above, Level(self.code, self.label, self.confidence, self.accepted))

    @property
    def path_in_words(self) -> str:
        """The names of all levels, as a table has them."""
        return " > ".join(level.label for level in self.path)

    @property
    def accepted_as(self) -> Code | None:
        """The deepest level at which the answer may stand; None if it may at none."""
        return next((level.code for level in reversed(self.path) if level.accepted), None)


class Logits(NamedTuple):
    """Logits of each branch there is, float32 [n, codes], and what each product has, bool [n];
    `errors` say why a given picture could not be used."""

    branches: BranchLogits
    has_text: np.ndarray
    has_image: np.ndarray
    errors: list[str | None]


class Pictured(NamedTuple):
    """What the image branch says of a picture, logits float32 [codes], and the picture's traits."""

    logits: np.ndarray
    traits: PictureTraits
