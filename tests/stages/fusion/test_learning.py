"""What a state learns from, however few products are in it, up to the answers of a whole fusion."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from serving.classifier.fusion import Fusion, State
from stages import fuse
from stages.common.held_out import HeldOut
from stages.common.paths import BRANCHES, FUSION
from stages.fusion.acceptance import NEVER
from tests.support.rakuten import CODES, write_labels
from tests.support.repository import ROOT

STRENGTH = {"text": 2.5, "language": 2.2, "image": 1.7}


def logits(labels: np.ndarray, branch: str, seed: int) -> np.ndarray:
    """What a branch of middling accuracy says."""
    strength = STRENGTH[branch]
    evidence = np.random.default_rng(seed).normal(size=(len(labels), len(CODES)))
    evidence[np.arange(len(labels)), labels] += strength
    return (strength * evidence).astype(np.float32)


@dataclass(frozen=True)
class Catalogue:
    """Training products: how many have a text alone, a picture alone, both; which of them the
    image branch was held out on (all, or every eighth), whether all are near-duplicates, and of
    how many of the texts a language branch was held out on one (0: there is none)."""

    text: int
    image: int
    both: int
    every: int = 1
    one_group: bool = False
    language: int = 0


def run(
    catalogue: Catalogue, folder: Path, acceptance: str = "state"
) -> tuple[Fusion, dict[str, dict[str, Any]]]:
    """The stage on this catalogue: what it learnt, and its figures."""
    state = np.repeat(["text", "image", "both"], [catalogue.text, catalogue.image, catalogue.both])
    ids = np.arange(len(state)) * 7
    labels = np.random.default_rng(0).integers(0, len(CODES), len(state))
    (folder / "data/prepared").mkdir(parents=True)
    write_labels(folder)
    products = pd.DataFrame(
        {
            "id": ids,
            "prdtypecode": np.asarray(CODES)[labels],
            "group": 0 * ids if catalogue.one_group else ids,
        }
    )
    products[::2].to_parquet(folder / "data/prepared/train.parquet")
    products[1::2].to_parquet(folder / "data/prepared/validation.parquet")
    for seed, (branch, other, every) in enumerate(
        (
            ("text", "image", 1),
            ("image", "text", catalogue.every),
            ("language", "image", catalogue.language),
        )
    ):
        visible = (state != other) & (every > 0)
        held = visible & (np.arange(len(state)) % max(every, 1) == 0)
        (folder / "models" / branch).mkdir(parents=True)
        HeldOut(ids[held], logits(labels, branch, seed)[held], ids[visible]).write(
            folder / "models" / branch / "heldout.npz"
        )
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["evaluate"]["acceptance"] = acceptance
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    fuse.fuse()
    figures = json.loads((folder / "metrics/fusion.json").read_text(encoding="utf-8"))
    return Fusion.read(FUSION), figures


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


FRESH = np.random.default_rng(9).integers(0, len(CODES), 2000)


def accuracy(fusion: Fusion, state: State) -> float:
    """On fresh products of this state; the accepted among them must keep the promise."""
    has_text, has_image = (np.full(len(FRESH), state in (one, "both")) for one in ("text", "image"))
    said = {branch: logits(FRESH, branch, seed) for seed, branch in enumerate(BRANCHES, start=10)}
    p = fusion.probabilities(said, has_text, has_image)
    right = p.argmax(axis=1) == FRESH
    accepted = fusion.accepted(p.max(axis=1), np.full(len(FRESH), state), p.argmax(axis=1))
    if accepted.any():
        assert right[accepted].mean() > fusion.precision - 0.03
    return float(right.mean())


PRIOR = 0.1
"""What the prior is right in at most."""


@pytest.mark.parametrize("both", [0, 1, 20])
def test_too_few_products_with_both_are_answered_by_the_better_branch(
    both: int, folder: Path
) -> None:
    fusion, figures = run(Catalogue(text=400, image=400, both=both), folder)
    assert figures["both"]["products"] == both
    assert figures["both"]["learnt_from"] == "too few products: as a text alone"
    assert fusion.blends["both"] == fusion.blends["text"]
    assert accuracy(fusion, "both") == accuracy(fusion, "text") > 3 * PRIOR
    assert accuracy(fusion, "image") > PRIOR


def test_the_better_branch_is_the_one_that_is_better(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STRENGTH, "text", 0.8)
    monkeypatch.setitem(STRENGTH, "image", 2.5)
    fusion, figures = run(Catalogue(text=400, image=400, both=1), folder)
    assert figures["both"]["learnt_from"] == "too few products: as a picture alone"
    assert accuracy(fusion, "both") == accuracy(fusion, "image")


def test_near_duplicates_are_one_piece_of_evidence(folder: Path) -> None:
    fusion, figures = run(Catalogue(text=0, image=0, both=100, one_group=True), folder)
    assert {each["learnt_from"] for each in figures.values()} == {
        "too few products: as trained",
        "too few products: as a text alone",
    }
    assert min(fusion.thresholds.values()) > 1
    assert accuracy(fusion, "both") == accuracy(fusion, "text") > 3 * PRIOR


def test_enough_products_with_both_are_better_than_either_branch(folder: Path) -> None:
    fusion, figures = run(Catalogue(text=250, image=250, both=400), folder)
    assert {each["learnt_from"] for each in figures.values()} == {"products of this state"}
    alone = max(accuracy(fusion, "text"), accuracy(fusion, "image"))
    assert accuracy(fusion, "both") > alone + 0.05


@pytest.mark.parametrize("state", ["text", "image"])
def test_a_catalogue_of_one_kind_needs_no_other(state: State, folder: Path) -> None:
    fusion, figures = run(
        Catalogue(text=400 * (state == "text"), image=400 * (state == "image"), both=0), folder
    )
    assert list(figures) == list(fusion.blends) == [state]
    assert figures[state]["products"] == 400
    assert accuracy(fusion, state) > PRIOR


@pytest.mark.parametrize("state", ["text", "image"])
def test_a_branch_without_evidence_answers_and_is_never_accepted(
    state: State, folder: Path
) -> None:
    fusion, figures = run(
        Catalogue(text=3 * (state == "text"), image=3 * (state == "image"), both=0), folder
    )
    assert figures[state]["learnt_from"] == "too few products: as trained"
    assert accuracy(fusion, state) > PRIOR
    assert fusion.thresholds[state] > 1


def test_a_state_is_what_a_product_has_not_what_was_held_out(folder: Path) -> None:
    """Of the image branch one product in eight is held out: the others still have a picture."""
    _, figures = run(Catalogue(text=250, image=0, both=1600, every=8), folder)
    assert figures["text"]["products"] == 250
    assert figures["text"]["learnt_from"] == "products of this state"


def test_a_rare_state_is_learnt_from_all_its_branch_answered(folder: Path) -> None:
    _, figures = run(Catalogue(text=60, image=0, both=800, every=8), folder)
    assert figures["text"]["products"] == 860
    assert figures["text"]["learnt_from"] == "all products with a text"
    assert figures["both"]["products"] == 100


def test_a_second_branch_of_texts_makes_texts_surer(folder: Path) -> None:
    """Learnt from the texts that both branches were held out on."""
    fusion, figures = run(Catalogue(text=800, image=250, both=400, language=2), folder)
    assert figures["text"]["products"] == 400
    assert set(fusion.blends["text"].weights) == {"text", "language"}
    assert set(fusion.blends["image"].weights) == {"image"}
    assert set(fusion.blends["both"].weights) == {"text", "language", "image"}
    assert min(fusion.blends["both"].weights.values()) > 0.1
    alone = (logits(FRESH, "text", 10).argmax(axis=1) == FRESH).mean()
    assert accuracy(fusion, "text") > alone + 0.05


def test_language_alone_reads_texts(folder: Path) -> None:
    catalogue = Catalogue(text=300, image=300, both=300, language=1)
    run(catalogue, folder)
    HeldOut.none(len(CODES)).write(folder / "models/text/heldout.npz")
    fuse.fuse()
    fusion = Fusion.read(FUSION)
    assert {state: set(blend.weights) for state, blend in fusion.blends.items()} == {
        "text": {"language"},
        "image": {"image"},
        "both": {"language", "image"},
    }
    assert accuracy(fusion, "text") > 3 * PRIOR


def mistaken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts tell all codes apart but the last, whose products look like those of the first and are
    answered as these."""
    told = logits

    def confused(labels: np.ndarray, branch: str, seed: int) -> np.ndarray:
        last = len(CODES) - 1
        said = told(np.where(labels == last, 0, labels), branch, seed)
        said[:, last] -= 100
        return said

    monkeypatch.setattr(sys.modules[__name__], "logits", confused)
    monkeypatch.setitem(STRENGTH, "text", 5.0)


def test_by_code_those_that_prove_it_have_a_threshold_of_their_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistaken(monkeypatch)
    fusion, figures = run(Catalogue(text=4000, image=300, both=10), folder, acceptance="code")
    _, *others, _ = map(str, fusion.codes)
    own = fusion.code_thresholds["text"]
    assert set(own) == set(others)
    assert fusion.code_thresholds == {"text": own, "both": own}  # too few: as a text alone
    assert fusion.thresholds["text"] == fusion.thresholds["both"] == NEVER
    assert figures["text"]["codes_with_own_threshold"] == len(others)
    assert figures["image"]["codes_with_own_threshold"] == 0
    assert figures["text"]["accepted"] == pytest.approx(4000 * len(others) / len(CODES), rel=0.1)
    assert accuracy(fusion, "text") > 3 * PRIOR


def test_by_state_no_code_has_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One code that is often wrong, and sure of it, keeps all others from being accepted."""
    mistaken(monkeypatch)
    fusion, figures = run(Catalogue(text=4000, image=300, both=10), folder)
    assert fusion.code_thresholds == {}
    assert fusion.thresholds["text"] == NEVER
    assert not [each for each in figures.values() if "codes_with_own_threshold" in each]
    assert "code_thresholds" not in json.loads(FUSION.read_text(encoding="utf-8"))
