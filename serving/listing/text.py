"""Text normalisation: what a listing says, without its markup. Used in training and in serving."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import NamedTuple

_TAG = re.compile(r"<[/!?a-zA-Z][^<>]*>")
# No character has a number this long, and Python refuses to read thousands of digits.
_ABSURD_REFERENCE = re.compile(r"&#[0-9]{8,};?")
_SPACE = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[\W_]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\u200b-\u200f\u2060\ufeff\u00ad]")


class Text(NamedTuple):
    """The normalised words of one listing; "" where it has none."""

    designation: str
    description: str

    @property
    def empty(self) -> bool:
        """Whether there is nothing for a text model to read."""
        return not (self.designation or self.description)

    def lower(self) -> Text:
        """The same words without capitals."""
        return Text(self.designation.lower(), self.description.lower())


def normalise(raw: str | None) -> str:
    """Strip tags and entities, bring to Unicode NFC, fold white space; accents and case are kept.

    Entities are resolved twice because catalogues escape twice (`&amp;eacute;`), and tags are
    stripped after each pass because an escaped tag is a tag once unescaped. A `<` that opens no
    tag ("< 5 kg") stays.
    """
    if not raw:
        return ""
    text = _TAG.sub(" ", _CONTROL.sub("", raw))
    for _ in range(2):
        text = html.unescape(_ABSURD_REFERENCE.sub("\ufffd", text))
        text = _TAG.sub(" ", _CONTROL.sub("", text))
    text = unicodedata.normalize("NFC", text)
    return _SPACE.sub(" ", text).strip()


def normalise_listing(designation: str | None, description: str | None) -> Text:
    """Both fields of a listing, normalised."""
    return Text(normalise(designation), normalise(description))


def fold(text: str) -> str:
    """Lower case without accents: the form in which near-duplicate titles are equal."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def designation_key(designation: str) -> str:
    """What designations share that differ only in case, accents, spacing or punctuation."""
    return _NOT_WORD.sub(" ", fold(designation)).strip()
