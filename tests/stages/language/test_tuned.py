"""Training an encoder further: what it learns, and that an interrupted fit loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dvclive import Live

from serving.listing.text import Text
from stages.common.keras_setup import keras
from stages.common.settings import Train, TunedLanguage
from stages.encoders.pretrained import Pretrained
from stages.language.tuned import LayerwiseAdamW, TunedBranch
from stages.training import checkpoint
from stages.training.branch import Examples
from tests.support import encoder
from tests.support.rakuten import CODES

pytestmark = pytest.mark.slow  # loads TensorFlow

TRAIN = Train(epochs=40, patience=4, batch_size=64, class_weight=0.5, seed=1, threads=2)
WORDS = ("piscine", "livre", "console")
COUNT = 120
LABELS = np.arange(COUNT) % len(WORDS)
TEXTS = [Text(f"{WORDS[label]} numéro {number}", "") for number, label in enumerate(LABELS)]
EXAMPLES = Examples(
    rows=np.arange(COUNT),
    labels=LABELS,
    groups=np.arange(COUNT),
    validation=LABELS < 0,
    codes=len(CODES),
)
FIT, STOP = np.arange(0, 90), np.arange(90, COUNT)


def settings(**changed: object) -> TunedLanguage:
    given: dict[str, object] = {
        "folds": 1,
        "encoder": encoder.settings(tokens=24),
        "model": "tuned",
        "layers": 2,
        "epochs": 3,
        "batch_size": 16,
        "learning_rate": 0.01,
        "layer_decay": 0.9,
        "weight_decay": 0.01,
        "label_smoothing": 0.05,
    }
    return TunedLanguage.model_validate(given | changed)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the stage `embed` keeps."""
    folder = tmp_path_factory.mktemp("kept")
    whole = encoder.write(folder / "whole", [text.designation for text in TEXTS])
    Pretrained.read(whole).bounded("query: ", 24).reduced(TEXTS).write(folder)
    return folder


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with Live(str(tmp_path / "live"), dvcyaml=None, save_dvc_exp=False) as live:
        yield live


def branch(kept: Path, **changed: object) -> TunedBranch:
    return TunedBranch(settings(**changed), TRAIN, EXAMPLES, TEXTS, kept)


def test_it_learns_what_texts_say(kept: Path, live: Live) -> None:
    tuned = branch(kept, epochs=20, learning_rate=0.02)
    model, best = tuned.fit(FIT, tuned.epochs, STOP, live)
    assert (tuned.logits(model, STOP).argmax(axis=1) == LABELS[STOP]).mean() > 0.7
    assert 1 <= best <= 20
    curve = (Path(live.dir) / "plots/metrics/eval/loss.tsv").read_text("utf-8").splitlines()
    assert len(curve) == 1 + 20 or len(curve) == 1 + best + TRAIN.patience


def test_the_lower_layers_stay_as_they_were_and_all_is_in_half_precision(
    kept: Path, live: Live
) -> None:
    tuned = branch(kept, epochs=1)
    before = [layer.get_weights() for layer in tuned.build().layers]
    model, _ = tuned.fit(FIT, 1, STOP, live)
    for layer, weights in zip(model.layers, before, strict=True):
        changed = any((a != b).any() for a, b in zip(layer.get_weights(), weights, strict=True))
        assert changed == (layer.name in {"layer_1", "layer_2", "logits"}), layer.name
    for weights in model.get_weights():
        assert (weights == weights.astype(np.float16)).all()


class Killed(Exception):
    """What ends a run in a test."""


def test_an_interrupted_fit_goes_on_to_the_same_bits(
    kept: Path, live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, best = branch(kept).fit(FIT, 3, STOP, live)
    for path in (tmp_path / "data/checkpoints").iterdir():
        path.unlink()
    store = checkpoint.Checkpoint.store

    def killed(self: checkpoint.Checkpoint, model: keras.Model, done: checkpoint.Progress) -> None:
        store(self, model, done)
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(checkpoint.Checkpoint, "store", killed)
        with pytest.raises(Killed):
            branch(kept).fit(FIT, 3, STOP, live)
    epochs: list[int] = []
    again = branch(kept)

    def counting(
        self: checkpoint.Checkpoint, model: keras.Model, done: checkpoint.Progress
    ) -> None:
        epochs.append(done.epoch)
        store(self, model, done)

    with monkeypatch.context() as counted:
        counted.setattr(checkpoint.Checkpoint, "store", counting)
        model, found = again.fit(FIT, 3, STOP, live)
    assert epochs == [2, 3]
    assert found == best
    for one, other in zip(whole.get_weights(), model.get_weights(), strict=True):
        assert (one == other).all()
    finished, _ = branch(kept).fit(FIT, 3, STOP, live)
    assert (finished.get_weights()[-1] == model.get_weights()[-1]).all()


def test_a_checkpoint_belongs_to_one_fit(kept: Path) -> None:
    tuned = branch(kept)
    model = tuned.build()
    mine = tuned.checkpoint(model, FIT, 3, STOP)
    assert mine == branch(kept).checkpoint(model, FIT, 3, STOP)
    assert mine != tuned.checkpoint(model, FIT, 3, None)
    assert mine != tuned.checkpoint(model, STOP, 3, STOP)
    assert mine != tuned.checkpoint(model, FIT, 4, STOP)
    assert mine != branch(kept, learning_rate=0.02).checkpoint(model, FIT, 3, STOP)
    model.set_weights([weights + 1 for weights in model.get_weights()])
    assert mine != tuned.checkpoint(model, FIT, 3, STOP)


def test_a_layer_learns_at_its_share_of_the_rate() -> None:
    given = keras.Input((1,))
    x = keras.layers.Dense(1, name="layer_0", use_bias=False)(given)
    model = keras.Model(given, keras.layers.Dense(1, name="logits", use_bias=False)(x))
    optimizer = LayerwiseAdamW(0.1, weight_decay=0.0, rates={"layer_0": 0.5})
    before = [variable.numpy() for variable in model.trainable_variables]
    optimizer.apply([keras.ops.ones((1, 1))] * 2, model.trainable_variables)
    lower, upper = (
        (was - variable.numpy()).item()
        for was, variable in zip(before, model.trainable_variables, strict=True)
    )
    assert upper == pytest.approx(0.1, rel=1e-3)
    assert lower == pytest.approx(0.05, rel=1e-3)


def test_every_code_has_a_logit(kept: Path) -> None:
    assert branch(kept).build().output.shape == (None, len(CODES))
