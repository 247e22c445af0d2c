"""What is held out was never seen: not to fit, not for a vocabulary, not to stop on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from dvclive import Live

from serving.encoding.encoders import NgramEncoder
from serving.listing.text import Text
from stages.common.settings import Ngrams, Train, load
from stages.text.ngrams import NgramBranch
from stages.training.branch import Branch, Examples
from stages.training.out_of_fold import train_branch
from tests.support.rakuten import CODES
from tests.support.repository import ROOT

pytestmark = pytest.mark.slow  # loads TensorFlow

TRAIN = Train(epochs=3, patience=2, batch_size=8, class_weight=0.0, seed=1, threads=1)
GROUPS = np.arange(200) // 2
EXAMPLES = Examples(
    rows=np.arange(200) * 3,
    labels=GROUPS % 3,
    groups=GROUPS,
    validation=GROUPS % 5 == 0,
    codes=len(CODES),
)


@dataclass
class Seen:
    """What one model was made of: examples for the encoder, to fit on, to stop on."""

    encoder: np.ndarray
    fitted: np.ndarray
    stop: np.ndarray | None

    def everything(self) -> set[int]:
        parts = [self.encoder, self.fitted, *([] if self.stop is None else [self.stop])]
        return set(np.concatenate(parts).tolist())


@dataclass
class Asked:
    """What each model was asked, over all branches made from one."""

    told: list[tuple[Seen, np.ndarray]] = field(default_factory=list)


class Recording(Branch):
    """A branch that keeps account."""

    def __init__(self, folds: int, asked: Asked, seen: np.ndarray | None = None) -> None:
        super().__init__(TRAIN, EXAMPLES, folds)
        self.asked = asked
        self.seen = np.arange(len(EXAMPLES)) if seen is None else seen

    def restricted_to(self, rows: np.ndarray) -> Self:
        return type(self)(self.folds, self.asked, rows)

    def encode(self, rows: np.ndarray) -> Any:
        raise NotImplementedError

    def build(self) -> Any:
        raise NotImplementedError

    def fit(self, rows: np.ndarray, epochs: int, stop: np.ndarray | None, live: Live) -> Any:
        return Seen(self.seen, rows, stop if self.stops else None), 1

    def logits(self, model: Any, rows: np.ndarray) -> np.ndarray:
        self.asked.told.append((model, rows))
        return np.zeros((len(rows), len(CODES)), np.float32)


class Stopping(Recording):
    stops = True


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with Live(str(tmp_path), dvcyaml=None, save_dvc_exp=False) as live:
        yield live


@pytest.mark.parametrize("kind", [Recording, Stopping])
@pytest.mark.parametrize("folds", [1, 4])
def test_no_model_has_seen_what_it_is_asked(kind: type[Recording], folds: int, live: Live) -> None:
    asked = Asked()
    trained = train_branch(kind(folds, asked), live)
    kept = set(np.searchsorted(EXAMPLES.rows, trained.held_out.rows).tolist())
    answered: set[int] = set()
    for seen, rows in asked.told:
        answered |= set(rows.tolist()) & kept
        assert not seen.everything() & set(rows.tolist())
        assert not set(GROUPS[sorted(seen.everything())]) & set(GROUPS[rows])
    assert answered == kept
    assert set(trained.held_out.visible) == set(EXAMPLES.rows)
    assert kept >= set(np.flatnonzero(EXAMPLES.validation))


@pytest.mark.parametrize("folds", [1, 4])
def test_what_stops_training_is_never_held_out(folds: int, live: Live) -> None:
    stopped: list[np.ndarray] = []

    class Watched(Stopping):
        def fit(self, rows: np.ndarray, epochs: int, stop: np.ndarray | None, live: Live) -> Any:
            if stop is not None:
                stopped.append(stop)
                assert not set(stop) & set(rows)
            return super().fit(rows, epochs, stop, live)

    trained = train_branch(Watched(folds, Asked()), live)
    (stop,) = stopped
    assert 10 < len(stop) < 40
    assert not set(EXAMPLES.rows[stop]) & set(trained.held_out.rows)
    assert not EXAMPLES.validation[stop].any()


def test_the_encoder_of_a_fold_knows_nothing_of_the_texts_held_out() -> None:
    settings = load(ROOT / "params.yaml")
    text = settings.text
    assert isinstance(text, Ngrams)
    listings = [Text(f"mot{number} mot{number // 2} livre", "") for number in range(200)]
    branch = NgramBranch.from_texts(text, settings.train, EXAMPLES, listings)
    rows = np.flatnonzero(EXAMPLES.validation)
    part = branch.restricted_to(rows)
    expected = NgramEncoder.fit(
        [listings[row] for row in rows], text.bits, text.least, text.shares.model_dump()
    )
    assert (part.encoder.idf == expected.idf).all()
    assert (part.encoder.idf != branch.encoder.idf).any()
    # What occurs once among the rows is void, though another product has it, too.
    alone = Text("mot7", "")
    assert len(branch.encoder.rows([alone])[0][0]) > len(part.encoder.rows([alone])[0][0])
