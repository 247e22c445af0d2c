"""The labels: the 27 codes of the challenge, in ascending order, with their names."""

from __future__ import annotations

from serving.listing.labels import Label
from tests.support.rakuten import CODES, LABELS

CHALLENGE = """
    10 40 50 60 1140 1160 1180 1280 1281 1300 1301 1302 1320 1560 1920 1940 2060 2220 2280 2403
    2462 2522 2582 2583 2585 2705 2905
"""


def test_the_codes_are_those_of_the_challenge_in_ascending_order() -> None:
    assert tuple(map(int, CHALLENGE.split())) == CODES
    assert list(CODES) == sorted(set(CODES))
    assert len(CODES) == 27


def test_every_code_has_names_of_its_own() -> None:
    assert tuple(LABELS) == CODES
    for language in ("name", "english"):
        names = [getattr(label, language) for label in LABELS.values()]
        assert all(name and name == name.strip() for name in names)
        assert len(set(names)) == 27


def test_names_are_the_challenge_s() -> None:
    assert LABELS[10].name == "Livres d'occasion"
    assert LABELS[2583] == Label("Piscine", "Pool")
    assert LABELS[1301].english == "Baby socks and small goods"
    assert LABELS[2905].name == "Jeux PC"
