"""What the sample's listings say: the patterns and words of vocabulary.yaml."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from stages.sources.sample import codes
from stages.sources.sample.datafile import Frozen, read

PATH = Path(__file__).with_name("vocabulary.yaml")

Words = Mapping[str, tuple[str, ...]]

_SLOT = re.compile(r"\{(\w+)\}")


def _lines(text: object) -> tuple[str, ...]:
    """The non-empty lines of a block of text."""
    if not isinstance(text, str):
        raise ValueError("expected a block of text with one pattern a line")
    return _filled(line.strip() for line in text.splitlines() if line.strip())


def _phrases(value: object) -> tuple[str, ...]:
    """What stands between the bars of a text, or the numbers from a first to a last."""
    match value:
        case {"first": int(first), "last": int(last), "step": int(step)} if step > 0:
            return _filled(str(number) for number in range(first, last + 1, step))
        case str():
            return _filled(phrase.strip() for phrase in value.split("|"))
    raise ValueError("expected phrases with bars between them, or the numbers first, last and step")


def _filled(phrases: Iterable[str]) -> tuple[str, ...]:
    texts = tuple(phrases)
    if not all(texts) or not texts:
        raise ValueError("expected at least one phrase, and none that is empty")
    for phrase in texts:
        if set("{}") & set(_SLOT.sub("", phrase)):
            raise ValueError(f"the braces of {phrase!r} enclose no slot; expected {{name}}")
    return texts


Lines = Annotated[tuple[str, ...], BeforeValidator(_lines)]
Phrases = Annotated[tuple[str, ...], BeforeValidator(_phrases)]
Code = Annotated[int, AfterValidator(codes.known)]


class Speech(Frozen):
    """Titles and description sentences of one product type, with the words of their slots."""

    titles: Lines
    sentences: Lines
    words: dict[str, Phrases] = Field(default_factory=dict)


class Confusion(Speech):
    """Titles and sentences that fit all of `codes` equally well."""

    codes: Annotated[tuple[Code, ...], Field(min_length=2)]


class Vocabulary(Frozen):
    """All of vocabulary.yaml."""

    lasting: Annotated[frozenset[str], BeforeValidator(_phrases)]
    """Slots that keep their word throughout a listing."""
    words: dict[str, Phrases]
    """Slots that every type can name."""
    vague_titles: Lines
    title_endings: Lines
    boilerplate: Lines
    types: Annotated[dict[int, Speech], AfterValidator(codes.complete)]
    confusions: tuple[Confusion, ...]

    @model_validator(mode="after")
    def _every_slot_can_be_filled(self) -> Vocabulary:
        general = (*self.vague_titles, *self.title_endings, *self.boilerplate, *_all(self.words))
        faults = [*_faults("every listing", general, self.words)]
        for code, speech in self.types.items():
            faults += _faults(f"type {code}", _spoken(speech), self.words | speech.words)
        for confusion in self.confusions:
            name = f"confusion {confusion.codes}"
            faults += _faults(name, _spoken(confusion), self.words | confusion.words)
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def fill(self, pattern: str, words: Words, rng: random.Random, lasting: dict[str, str]) -> str:
        """Replace every `{slot}` of `pattern`, inside out, by one of `words` or the shared ones.

        `lasting` holds the words of the listing's lasting slots so far, which keep theirs, and is
        added to. Raises KeyError for a slot that has no words.
        """

        def word(match: re.Match[str]) -> str:
            slot = match[1]
            if slot in lasting:
                return lasting[slot]
            chosen = rng.choice(words[slot] if slot in words else self.words[slot])
            filled = self.fill(chosen, words, rng, lasting)
            if slot in self.lasting:
                lasting[slot] = filled
            return filled

        return _SLOT.sub(word, pattern)


def load(path: Path = PATH) -> Vocabulary:
    """The vocabulary, checked as a whole.

    Raises SourceError naming what is wrong: an unknown slot, a missing type, an empty list, ….
    """
    return read(path, Vocabulary)


def _all(words: Words) -> Iterator[str]:
    return (phrase for phrases in words.values() for phrase in phrases)


def _spoken(speech: Speech) -> tuple[str, ...]:
    return (*speech.titles, *speech.sentences, *_all(speech.words))


def _faults(where: str, phrases: Iterable[str], words: Words) -> Iterator[str]:
    """Why `phrases` cannot be filled: slots that `words` lacks, slots that hold themselves."""
    for phrase in phrases:
        for slot in _SLOT.findall(phrase):
            if slot not in words:
                yield f"{where} names an unknown slot {{{slot}}} in {phrase!r}"
    holding = {slot: _SLOT.findall(" ".join(held)) for slot, held in words.items()}
    try:
        TopologicalSorter(holding).prepare()
    except CycleError as error:
        yield f"{where} has slots that hold each other: {' in '.join(error.args[1])}"
