"""What codes stand under: sums of probabilities, and how deep an answer may stand."""

from __future__ import annotations

import numpy as np
import pytest

from serving.classifier.levels import Level, Levels, standing
from serving.classifier.prediction import Prediction
from serving.listing.labels import Code, Label, Node

HOUSE, GARDEN, PLAY = (Node(code, code.title(), code) for code in ("house", "garden", "play"))
LABELS: dict[Code, Label] = {
    "bed": Label("Bed", "bed", (HOUSE,)),
    "lamp": Label("Lamp", "lamp", (HOUSE,)),
    "hose": Label("Hose", "hose", (HOUSE, GARDEN)),
    "spade": Label("Spade", "spade", (HOUSE, GARDEN)),
    "ball": Label("Ball", "ball", (PLAY,)),
    "else": Label("Else", "else"),
}
BED, LAMP, HOSE, SPADE, BALL, ELSE = range(len(LABELS))
LEVELS = Levels.of(LABELS)
P = np.array([[0.3, 0.2, 0.25, 0.15, 0.06, 0.04]])


@pytest.mark.parametrize(
    ("column", "expected"),
    [(BED, [0.9, -1]), (SPADE, [0.9, 0.4]), (BALL, [0.06, -1]), (ELSE, [-1, -1])],
)
def test_a_node_is_as_probable_as_all_codes_under_it(column: int, expected: list[float]) -> None:
    found = LEVELS.confidence(P, np.array([column]))[:, 0]
    assert found.tolist() == pytest.approx(expected)


def test_every_answer_has_its_own_sum() -> None:
    random = np.random.default_rng(1)
    p = random.dirichlet(np.ones(len(LABELS)), size=200)
    columns = random.integers(0, len(LABELS), 200)
    found = LEVELS.confidence(p, columns)
    for row in range(len(columns)):
        assert found[:, row] == pytest.approx(LEVELS.confidence(p[[row]], columns[[row]])[:, 0])


def test_codes_are_alike_at_a_level_if_they_stand_under_one_node() -> None:
    at = LEVELS.at(0, np.arange(len(LABELS)))
    assert len(set(at[[BED, LAMP, HOSE, SPADE]])) == 1
    assert len({at[BED], at[BALL], at[ELSE]}) == 3
    deeper = LEVELS.at(1, np.arange(len(LABELS)))
    assert deeper[HOSE] == deeper[SPADE]
    assert len(set(deeper)) == len(LABELS) - 1


def test_a_code_under_which_others_stand_is_one_of_them() -> None:
    labels: dict[Code, Label] = {
        "garden": Label("Garden", "garden", (HOUSE,)),
        "hose": LABELS["hose"],
        "bed": LABELS["bed"],
    }
    levels = Levels.of(labels)
    found = levels.confidence(np.array([[0.2, 0.5, 0.3]]), np.array([1]))[:, 0]
    assert found.tolist() == pytest.approx([1, 0.7])
    assert levels.at(1, np.array([0])) == levels.at(1, np.array([1]))


def test_a_taxonomy_without_parents_has_no_level() -> None:
    flat = Levels.of({1: Label("a", "a"), 2: Label("b", "b")})
    assert len(flat) == 0
    assert flat.confidence(P[:, :2], np.array([0])).shape == (0, 1)


def test_what_is_accepted_stands_at_all_levels_above() -> None:
    confidence = np.array([[0.9, 0.9, 0.3, 0.95], [0.5, 0.8, -1, 0.2]])
    accepted = np.array([True, False, False, False])
    least = np.array([[0.92] * 4, [0.7] * 4])
    assert standing(confidence, accepted, least).tolist() == [
        [True, True, False, True],
        [True, True, False, False],
    ]


def test_nothing_above_never_stands_by_itself() -> None:
    confidence, none = np.full((1, 1), -1.0), np.array([False])
    assert not standing(confidence, none, np.zeros((1, 1))).any()


@pytest.mark.parametrize(
    ("accepted", "above", "expected"),
    [(True, True, "hose"), (False, True, "garden"), (False, False, None)],
)
def test_an_answer_is_accepted_as_the_deepest_level_that_stands(
    accepted: bool, above: bool, expected: str | None
) -> None:
    answer = Prediction(
        code="hose",
        label="Hose",
        confidence=0.25,
        accepted=accepted,
        state="text",
        probabilities=P[0],
        above=(Level("house", "House", 0.9, above), Level("garden", "Garden", 0.4, above)),
    )
    assert [level.code for level in answer.path] == ["house", "garden", "hose"]
    assert answer.accepted_as == expected
