"""The encoders: words in a vocabulary, and hashed n-grams."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from serving.encoding.encoders import NgramEncoder, WordEncoder, pad, read_encoder
from serving.encoding.ngrams import VIEWS, grams
from serving.listing.text import Text

TEXTS = [
    Text("Piscine gonflable Bestway 3m", "Une piscine ronde pour l'été."),
    Text("Livre ancien", ""),
    Text("", "Description seule"),
    Text("piscine ronde", "La piscine est livrée avec sa bâche"),
]
SHARES = dict.fromkeys(VIEWS, 1.0)


def test_words_are_numbered_by_frequency_and_padded() -> None:
    encoder = WordEncoder.fit(TEXTS, size=3, lengths=(4, 2), pieces=6, buckets=64)
    assert encoder.vocabulary[0] == "piscine"
    inputs = encoder.encode([Text("piscine inconnue", "Piscine")])
    assert inputs["words"].tolist() == [[2, 1, 0, 0, 2, 0]]
    assert inputs["pieces"].shape == (1, 6, 6)
    assert (inputs["pieces"][0, :2] > 0).all()
    assert not inputs["pieces"][0, 2:4].any()


def test_a_word_never_seen_shares_pieces_with_its_kin_and_shape_tells_capitals() -> None:
    encoder = WordEncoder.fit(TEXTS, size=3, lengths=(1, 1), pieces=20, buckets=2**16)
    lower, upper, plural, other = (
        encoder.encode([Text(word, "")]) for word in ("piscine", "PISCINE", "piscines", "vélo")
    )
    assert np.array_equal(lower["pieces"], upper["pieces"])
    assert lower["shapes"][0, 0] != upper["shapes"][0, 0]
    seen = set(lower["pieces"].ravel().tolist()) - {0}
    assert len(seen & set(plural["pieces"].ravel().tolist())) > len(seen) / 2
    assert not seen & set(other["pieces"].ravel().tolist())


def test_values_have_length_one_and_padding_is_silent() -> None:
    encoder = NgramEncoder.fit(TEXTS, bits=16, least=1, shares=SHARES)
    inputs = encoder.encode(TEXTS)
    assert np.allclose((inputs["values"] ** 2).sum(axis=1), 1, atol=1e-5)
    assert inputs["buckets"].dtype == np.int32
    assert inputs["buckets"].max() < 2**16


def test_a_text_alone_is_encoded_as_in_a_batch() -> None:
    encoder = NgramEncoder.fit(TEXTS, bits=16, least=1, shares=SHARES)
    batch, (alone,) = encoder.rows(TEXTS), encoder.rows(TEXTS[:1])
    assert np.array_equal(batch[0][0], alone[0])
    assert np.array_equal(batch[0][1], alone[1])


def test_views_of_case_are_silent_when_case_says_nothing() -> None:
    case = {
        VIEWS.index(view) for view in ("designation_case", "designation_shape", "designation_style")
    }
    for title in ("piscine 3m", "PISCINE 3M"):
        assert not case & set(grams(Text(title, ""), 16).views.tolist())
    assert case <= set(grams(Text("Piscine 3m", ""), 16).views.tolist())
    small, capital = (grams(Text(title, ""), 16) for title in ("piscine 3m", "PISCINE 3M"))
    assert np.array_equal(small.buckets, capital.buckets)


@pytest.mark.parametrize("text", ["", "a", "é", "🎁" * 5, "x" * 5000, "a b", "日本語 texte"])
def test_any_text_can_be_encoded(text: str) -> None:
    encoder = NgramEncoder.fit(TEXTS, bits=16, least=1, shares=SHARES)
    inputs = encoder.encode([Text(text, text)])
    assert np.isfinite(inputs["values"]).all()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("детский бассейн", "старые книги"),
        ("مسبح للأطفال", "كتب قديمة"),
        ("儿童充气泳池", "二手旧书籍"),
        ("こどもプール", "ふるい本"),
        ("어린이 수영장", "중고 책"),
    ],
)
def test_every_script_is_told_apart(one: str, other: str) -> None:
    """Titles of different things share their style, and a letter or two at most."""
    first, second = (grams(Text(title, ""), 30) for title in (one, other))
    style = VIEWS.index("designation_style")
    shared = np.intersect1d(
        first.buckets[first.views != style], second.buckets[second.views != style]
    )
    assert len(first.buckets) > 10 * len(shared)


def test_rare_buckets_are_void() -> None:
    encoder = NgramEncoder.fit(TEXTS, bits=16, least=4, shares=SHARES)
    everything = NgramEncoder.fit(TEXTS, bits=16, least=1, shares=SHARES)
    assert (encoder.idf > 0).sum() < (everything.idf > 0).sum()


@pytest.mark.parametrize("kind", ["words", "ngrams"])
def test_an_encoder_is_read_back_as_it_was_written(kind: str, tmp_path: Path) -> None:
    encoder = (
        WordEncoder.fit(TEXTS, 100, (5, 3), 4, 64)
        if kind == "words"
        else NgramEncoder.fit(TEXTS, 14, 1, SHARES)
    )
    encoder.write(tmp_path)
    expected, found = encoder.encode(TEXTS), read_encoder(tmp_path).encode(TEXTS)
    assert all(np.array_equal(expected[name], found[name]) for name in expected)


def test_padding_keeps_rows_apart() -> None:
    one = (np.array([3], np.int32), np.array([0.5], np.float32))
    two = (np.array([4, 5], np.int32), np.array([0.1, 0.2], np.float32))
    padded = pad([one, two])
    assert padded["buckets"].tolist() == [[3, 0], [4, 5]]
    assert padded["values"][0, 1] == 0
