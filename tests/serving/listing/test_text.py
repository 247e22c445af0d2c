"""Text normalisation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.listing.text import Text, fold, normalise


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, ""),
        ("", ""),
        ("  Piscine\n gonflable\t ", "Piscine gonflable"),
        ("<p>Livre <b>neuf</b><br/>relié</p>", "Livre neuf relié"),
        ("T&eacute;l&amp;eacute;commande &#39;x&#39;", "Télécommande 'x'"),
        ("&lt;b&gt;gras&lt;/b&gt;", "gras"),
        ("poids < 5 kg et > 2", "poids < 5 kg et > 2"),
        ("e\u0301te\u0301", "été"),
        ("a\u200bb\u00adc", "abc"),
        ("Un\u00a0espace", "Un espace"),
    ],
)
def test_markup_entities_and_space_are_resolved_and_accents_kept(
    raw: str | None, expected: str
) -> None:
    assert normalise(raw) == expected


@given(st.text(alphabet=st.characters(exclude_characters="<>&"), max_size=200))
def test_plain_text_is_normalised_once_and_for_all(raw: str) -> None:
    once = normalise(raw)
    assert normalise(once) == once
    assert "  " not in once


def test_a_flood_of_openings_ends() -> None:
    assert normalise("<" * 200_000).startswith("<")


def test_fold_makes_case_and_accents_equal() -> None:
    assert fold("ÉTÉ Déjà") == "ete deja"


def test_a_listing_is_empty_only_without_both_fields() -> None:
    assert Text("", "").empty
    assert not Text("", "x").empty
