"""What a product looks like, in a few figures that cost microseconds: what drift is told by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

import numpy as np

from serving.listing.text import Text

READ = 1000
"""Characters of designation and description in which language and diacritics are looked for."""

WORDS_OF = {
    "french": "le les des du et une pour avec dans sur est au aux ce cette votre vous ou sans",
    "english": "the of and for with is your this from are you that by an it not",
    "german": "der die und mit für von ist das zum oder auf ein eine nicht auch",
    "spanish": "el los las y para por su del muy esta más sin como",
    "italian": "il di della gli che per sono questo nel alla lo degli",
    "dutch": "het een van voor met op zijn niet ook naar",
    "portuguese": "os uma com não do da em seu mais são",
}
"""Frequent words that hardly stand in another of these languages."""

CELLS = 4
"""Cells on either side of a picture, of whose colours its layout consists."""

_LOOKED_AT = 64
"""Pixels on either side that are enough for the layout."""

NO_LANGUAGE = "none"
OTHER_SCRIPT = "other script"

_LANGUAGE = {word: language for language, words in WORDS_OF.items() for word in words.split()}
_WORD = re.compile(r"[^\W\d_]+")
_LATIN_LETTERS = (0xC0, 0x250)  # accented ones: Latin-1 Supplement, Latin Extended-A and -B
_OTHER_LETTERS = 0x370  # Greek, and all that comes after it


@dataclass(frozen=True, slots=True)
class TextTraits:
    """Characters of both fields, `rarity` as the encoder tells it, and hints at the language.

    `language` is that of WORDS_OF which most words speak for, OTHER_SCRIPT or NO_LANGUAGE;
    `diacritics` the share of letters with a diacritic among the characters.
    """

    designation_length: int
    description_length: int
    rarity: float | None
    language: str
    diacritics: float

    @classmethod
    def of(cls, text: Text, rarity: float | None) -> Self:
        """Of a text that is not empty."""
        read = f"{text.designation[:READ]} {text.description[:READ]}"[:READ]
        points = np.frombuffer(read.encode("utf-32-le", "surrogatepass"), np.uint32)
        first, end = _LATIN_LETTERS
        diacritics = int(((points >= first) & (points < end)).sum())
        others = int((points >= _OTHER_LETTERS).sum())
        return cls(
            designation_length=len(text.designation),
            description_length=len(text.description),
            rarity=rarity,
            language=OTHER_SCRIPT if 2 * others > len(points) else _language(read),
            diacritics=diacritics / len(points),
        )


def _language(text: str) -> str:
    votes: dict[str, int] = {}
    for word in _WORD.findall(text.lower()):
        if (language := _LANGUAGE.get(word)) is not None:
            votes[language] = votes.get(language, 0) + 1
    return max(votes, key=lambda language: votes[language], default=NO_LANGUAGE)


@dataclass(frozen=True, slots=True)
class PictureTraits:
    """Mean and standard deviation of the decoded values (0 to 255), bytes as it came (None: it came
    decoded), and the mean colours of CELLS x CELLS cells, float64 [CELLS * CELLS * 3]."""

    brightness: float
    contrast: float
    size: int | None
    layout: np.ndarray

    @classmethod
    def of(cls, pixels: np.ndarray, size: int | None) -> Self:
        """Of decoded pixels, uint8 [side, side, 3]; summed as integers, so in any order."""
        values = pixels.reshape(-1)
        counts = np.bincount(values, minlength=256)
        levels = np.arange(256)
        mean = int(counts @ levels) / len(values)
        square = int(counts @ (levels * levels)) / len(values)
        return cls(mean, max(square - mean * mean, 0.0) ** 0.5, size, _layout(pixels))


def _layout(pixels: np.ndarray) -> np.ndarray:
    few = pixels[:: max(len(pixels) // _LOOKED_AT, 1), :: max(len(pixels) // _LOOKED_AT, 1)]
    side = len(few) // CELLS
    cells = few[: side * CELLS, : side * CELLS].reshape(CELLS, side, CELLS, side, 3)
    return cells.sum(axis=(1, 3), dtype=np.int64).reshape(-1) / side**2


@dataclass(frozen=True, slots=True)
class Traits:
    """Those of what the classifier could read of a product."""

    text: TextTraits | None = None
    picture: PictureTraits | None = None
