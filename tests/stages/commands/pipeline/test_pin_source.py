"""Pinning rewrites revision and hashes of the hub's options, and nothing else."""

from __future__ import annotations

import yaml

from stages.commands.pipeline import pin_source
from tests.support.repository import ROOT

COMMIT = "5f" * 20


def test_the_option_is_pinned_again_and_again() -> None:
    text = (ROOT / pin_source.FILE).read_text("utf-8")
    before = yaml.safe_load(text)
    for hashes in ({"images.zip": "a" * 64, "X_train_update.csv": "b" * 64}, {}):
        text = pin_source.written(text, COMMIT, hashes)
        assert yaml.safe_load(text) == {**before, "revision": COMMIT, "sha256": hashes}
    assert text.startswith("# The full Rakuten France set")
