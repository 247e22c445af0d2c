"""Text normalisation: tags, entities, Unicode, white space, and input meant to hurt."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.classifier.text import Text, fold, normalise, normalise_listing

WITHOUT_MARKUP = st.text(
    st.characters(exclude_characters="<>&", exclude_categories=("Cs",)), max_size=200
)
MARKUP = st.lists(
    st.sampled_from(
        ["<b>", "</b>", "<br/>", "<", ">", "&amp;", "&lt;", "&gt;", "&amp;lt;", "&eacute;", "&nbsp;"]
        + ["&#233;", "&#xe9;", "&#", "&", ";", "b", "é", "e\u0301", " ", "\u00a0", "\u200b", "\x00"]
    ),
    max_size=30,
).map("".join)


@pytest.mark.parametrize("raw", [None, "", " ", "\u00a0\t\n", "<br>", "&nbsp;", "\u200b", "\ufeff"])
def test_nothing_to_read_is_empty(raw: str | None) -> None:
    assert normalise(raw) == ""


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<p>Livre</p>", "Livre"),
        ("Livre<br>neuf", "Livre neuf"),
        ("Livre<br />neuf", "Livre neuf"),
        ("un<B CLASS='x'>deux</B>trois", "un deux trois"),
        ("<ul><li>un</li><li>deux</li></ul>", "un deux"),
        ("<!-- note -->Livre<!DOCTYPE html>", "Livre"),
        ("<?xml version='1.0'?>Livre", "Livre"),
        ("a<img\nsrc='x.jpg'\n>b", "a b"),
    ],
)
def test_tags_separate_words_and_vanish(raw: str, expected: str) -> None:
    assert normalise(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("&eacute;t&eacute;", "été"),
        ("&#233;t&#xE9;", "été"),
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("&amp;eacute;t&amp;eacute;", "été"),
        ("Tom &amp;amp; Jerry", "Tom & Jerry"),
        ("20&nbsp;cm", "20 cm"),
        ("l&rsquo;été", "l’été"),
        ("&lt;p&gt;Livre&lt;/p&gt;", "Livre"),
        ("&amp;lt;p&amp;gt;Livre", "Livre"),
        ("&#0;&#1114112;&#xD800;Livre".replace("&#0;", ""), "\ufffd\ufffdLivre"),
        ("&inconnue; & &; &#; &#x;", "&inconnue; & &; &#; &#x;"),
    ],
)
def test_entities_are_resolved_once_and_twice_escaped(raw: str, expected: str) -> None:
    assert normalise(raw) == expected


@pytest.mark.parametrize(
    "raw", ["< 5 kg", "poids <5 kg", "1 < 2 > 0", "I <3 livres", "a <> b", "a <", "<", ">", "<<>>"]
)
def test_a_less_than_that_opens_no_tag_stays(raw: str) -> None:
    assert normalise(raw) == raw


def test_escaped_less_than_that_opens_no_tag_stays() -> None:
    assert normalise("poids &lt; 5 kg, &amp;lt; 6 kg") == "poids < 5 kg, < 6 kg"


def test_unicode_is_composed() -> None:
    assert normalise("e\u0301te\u0301") == "\u00e9t\u00e9"
    assert normalise("e&#769;") == "\u00e9"


def test_accents_and_case_are_kept() -> None:
    kept = "Éléphant GRÉMILLET cœur ß İ 日本 — « 5 € »"
    assert normalise(kept) == kept


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x7f", "\u200b", "\u200d", "\ufeff", "\u00ad"])
def test_control_and_zero_width_characters_vanish(character: str) -> None:
    assert normalise(f"Li{character}vre") == "Livre"
    assert normalise(f"Li&#{ord(character)};vre") in ("Livre", "Li\ufffdvre")


@pytest.mark.parametrize("raw", ["<\u200bb>Livre", "<b\x00>Livre", "&lt\u200b;b>Livre", "&am\u200bp;lt;b>Livre"])
def test_invisible_characters_hide_no_markup(raw: str) -> None:
    assert normalise(raw) == "Livre"


@pytest.mark.parametrize("space", ["  ", "\t", "\r\n", "\x0b", "\x0c", "\u00a0", "\u2003", "\u202f", "\u3000"])
def test_white_space_is_folded_to_one_space(space: str) -> None:
    assert normalise(f"{space}un{space}deux{space}") == "un deux"


@pytest.mark.parametrize(
    "raw",
    [
        "<" * 1_000_000,
        "<a" * 500_000,
        "<a " * 333_333,
        "<a>" * 333_333,
        "<a" + " " * 1_000_000,
        ">" * 1_000_000,
        "&" * 1_000_000,
        "&lt;" * 250_000,
        "&amp;lt;a" * 100_000,
        "&a" * 500_000,
        "<!--" * 250_000,
        " " * 1_000_000,
        "\u200b" * 1_000_000,
        "e" + "\u0301" * 1_000_000,
        "&#x" + "1" * 1_000_000 + ";",
        "&#" + "1" * 1_000_000 + ";",
        "&#" + "9" * 4_301,
    ],
    ids=lambda raw: f"{raw[:8]!r}x{len(raw)}",
)
def test_a_megabyte_of_anything_comes_to_an_end(raw: str) -> None:
    assert len(normalise(raw)) <= len(raw)


def test_a_long_tag_is_still_a_tag() -> None:
    assert normalise(f'<img src="data:image/png;base64,{"A" * 30_000}">Livre') == "Livre"


@given(WITHOUT_MARKUP)
def test_normalising_twice_changes_nothing(raw: str) -> None:
    once = normalise(raw)
    assert normalise(once) == once


@given(WITHOUT_MARKUP | MARKUP)
def test_what_comes_out_is_folded_composed_and_visible(raw: str) -> None:
    text = normalise(raw)
    assert "  " not in text
    assert text == text.strip()
    assert not any(c.isspace() for c in text if c != " ")
    assert unicodedata.is_normalized("NFC", text)
    assert not set(text) & set("\x00\x1f\x7f\u200b\u200e\ufeff\u00ad")


@given(MARKUP)
def test_no_complete_tag_comes_out(raw: str) -> None:
    text = normalise(raw)
    assert "<b>" not in text
    assert "</b>" not in text
    assert "<br/>" not in text


def test_a_listing_has_two_fields() -> None:
    assert normalise_listing("<b>Titre</b>", None) == Text("Titre", "")


@pytest.mark.parametrize(
    ("title", "description", "empty"),
    [(None, None, True), ("", "<br>", True), ("a", None, False), (None, "a", False)],
)
def test_a_listing_is_empty_without_either_field(
    title: str | None, description: str | None, empty: bool
) -> None:
    assert normalise_listing(title, description).empty is empty


@pytest.mark.parametrize(
    ("text", "folded"),
    [("ÉTÉ", "ete"), ("Straße", "strasse"), ("Ça", "ca"), ("e\u0301", "e"), ("ﬁn 日本", "fin 日本")],
)
def test_folding_drops_case_and_accents(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(st.characters(max_codepoint=0x17F)))
def test_folding_does_not_depend_on_how_accents_are_written(text: str) -> None:
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))
