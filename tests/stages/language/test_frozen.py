"""Features of a frozen encoder: those of the products that they are asked for, by whatever id."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from serving.listing.text import Text
from stages.common.settings import Discriminant, FrozenLanguage, Train
from stages.encoders import embeddings
from stages.encoders.pretrained import Pretrained
from stages.language import frozen
from stages.training.branch import Examples
from tests.support import encoder

pytestmark = pytest.mark.slow  # loads TensorFlow

TEXTS = [Text("livre", ""), Text("piscine ronde et bleue", "avec pompe"), Text("jeu", "neuf")]
SETTINGS = FrozenLanguage(
    folds=2,
    encoder=encoder.settings(),
    model="frozen",
    head=Discriminant(kind="discriminant", shrinkage=0.3),
)
TRAIN = Train(epochs=1, patience=1, batch_size=64, class_weight=0.5, seed=1, threads=2)


@pytest.mark.parametrize("ids", [np.array([7, 3, 5]), np.array(["b", "é", "a"], object)])
def test_a_product_is_given_its_own_features(tmp_path: Path, ids: np.ndarray) -> None:
    whole = encoder.write(tmp_path / "encoder", [" ".join(text) for text in TEXTS])
    kept = Pretrained.read(whole).bounded("query: ", 32).reduced(TEXTS)
    kept.write(tmp_path)
    features = embeddings.embed(kept, TEXTS)
    assert features.dtype == np.float16
    assert features.shape == (3, 2 * 16)  # of every other of three layers
    for row, text in enumerate(TEXTS):
        assert np.allclose(features[row], embeddings.embed(kept, [text])[0], atol=0.01)
    embeddings.write(tmp_path, ids, features)
    some = np.array([2, 0])
    examples = Examples(ids[some], np.array([0, 1]), np.arange(2), np.zeros(2, bool), 2)
    branch = frozen.branch(SETTINGS, TRAIN, examples, [], tmp_path)
    assert (branch.encode(np.arange(2))["features"] == features[some]).all()
