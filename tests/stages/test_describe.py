"""The model card: every figure in its place, what is missing told, nothing of the machine in it."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from serving.classifier import manifest
from serving.classifier.classifier import FUSION_FILE, Classifier
from serving.classifier.explaining import Explanation, Region, Word, explain
from serving.classifier.fusion import Fusion, State
from serving.classifier.prediction import Prediction, Product
from serving.listing.text import Text
from stages import describe
from stages.common.markdown import figure, plain, share, table
from stages.common.settings import FolderData, HuggingFaceData, SampleData, UrlData, load
from stages.evaluation.examples import KINDS, Example, first_of_each_kind
from stages.evaluation.model_card import ACCEPTED_CODES, Facts, model_card
from stages.evaluation.scores import clopper_pearson
from tests.support import tiny
from tests.support.loopback import COMMIT, watched
from tests.support.rakuten import LABELS
from tests.support.repository import ROOT


def scores(products: int, f1: float) -> dict[str, Any]:
    return {
        "products": products,
        "accuracy": f1 + 0.001,
        "weighted_f1": f1,
        "macro_f1": f1 - 0.1,
        "log_loss": 0.5,
        "calibration_error": 0.0321,
    }


def accepted(answers: int, count: int, right: int) -> dict[str, Any]:
    """What `evaluate` says of the answers, 0.01 to either side of the precision for an interval."""
    precision = right / count if count else None
    return {
        **{"answers": answers, "accepted": count, "accepted_right": right},
        **{"coverage": count / answers, "precision": precision},
        "low": precision and precision - 0.01,
        "high": precision and precision + 0.01,
    }


def prediction(code: int, confidence: float, state: State, *, accepted: bool = False) -> Prediction:
    return Prediction(code, "…", confidence, accepted, state, np.zeros(3))


EXAMPLE = Example(
    text=Text("Jeu *rare* | neuf", "x" * 500),
    actual=2583,
    prediction=prediction(2905, 0.61, "both"),
    explanation=Explanation(
        words=(
            Word("designation", 0, 3, "Jeu", 2.5),
            Word("designation", 5, 9, "rare", 0.001),
            Word("designation", 13, 17, "neuf", -0.75),
        ),
        regions=(Region(0.25, 0.5, 0.5, 0.75, 1.5),),
    ),
)


@pytest.fixture
def facts() -> Facts:
    return Facts(
        labels=LABELS,
        identity="ab" * 32,
        manifest={
            "parameters": {
                "text": {"model": "ngrams", "shares": {"designation_words": 0.5}},
                "language": {"model": "none"},
                "image": {"model": "mobilenet", "weights": "/home/me/w.h5", "alpha": None},
            },
            "libraries": {"onnxruntime": "1.0", "numpy": "2.0"},
        },
        source="A local folder",
        options="-S data=folder",
        synthetic=False,
        seeds={"prepare.seed": 13},
        data={
            **{"codes": 3, "labelled": 12_345, "rejected": 7, "unlabelled": 3, "train": 9_000},
            **{"validation": 1_000, "test": 2_345, "near_duplicates": 42, "smallest_code": 26},
            **{"largest_group": 60, "large_groups": 2, "in_large_groups": 77},
            **{"placeholders": 1, "with_placeholder": 88},
            **{"with_designation": 0.95, "with_description": 0.6517, "with_picture": 0.25},
        },
        evaluation={
            **scores(2_345, 0.811),
            "unreadable_pictures": 12,
            "text_only": scores(2_000, 0.722),
            "image_only": scores(600, 0.433),
            "both": {
                **scores(255, 0.844),
                "text_alone_weighted_f1": 0.799,
                "image_alone_weighted_f1": 0.455,
            },
            "accepted": {
                **{"asked_precision": 0.95, "certainty": 0.9, **accepted(2_345, 1_700, 1_634)},
                "states": {
                    "text": accepted(1_500, 1_450, 1_400),
                    "image": accepted(345, 0, 0),
                    "both": accepted(500, 250, 234),
                },
            },
            "coverage_at": {"90": 0.9, "95": 0.77, "98": 0.0},
        },
        codes=pd.DataFrame(
            {
                "code": ["10 Used books", "2583 Pool", "2905 PC games"],
                "f1": [0.9, 0.5, 0.0],
                "precision": [0.91, 0.52, 0.0],
                "recall": [0.89, 0.48, 0.0],
                "support": [3, 4, 0],
            }
        ),
        confusion=pd.DataFrame(
            [("10 Used books", "10 Used books", True)] * 3
            + [("2583 Pool", "2905 PC games", False)] * 2
            + [("2583 Pool", "10 Used books", True), ("2583 Pool", "2583 Pool", False)],
            columns=["actual", "predicted", "accepted"],
        ).assign(group=range(7)),
        reliability=pd.DataFrame(
            {"confidence": [0.25], "accuracy": [0.3125], "share": [1.0], "products": [2_345]}
        ),
        acceptance="state",
        thresholds={"text": 0.9, "image": 2.0, "both": 0.8},
        own={},
        fusion={
            "text": {
                **{"products": 1_203, "groups": 1_200, "accepted": 900, "accepted_right": 870},
                "learnt_from": "products of this state",
            },
            "image": {
                **{"products": 317, "groups": 310, "accepted": 0, "accepted_right": 0},
                "learnt_from": "all products with a picture",
            },
            "both": {
                **{"products": 12, "groups": 12},
                "learnt_from": "too few products: as a text alone",
            },
        },
        examples={"Accepted and right": None, "Sent to review and wrong": EXAMPLE},
    )


def section(card: str, title: str) -> str:
    return card.partition(f"## {title}\n")[2].partition("\n## ")[0]


def cells(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def test_every_table_is_one_and_counts_its_products(facts: Facts) -> None:
    for block in re.findall(r"(?:^\|.*\n)+", model_card(facts), re.MULTILINE):
        rows = cells(block)
        assert len(rows) > 2, block
        assert len({len(row) for row in rows}) == 1, block
        assert all(re.fullmatch("---:?", cell) for cell in rows[1])
        header = rows[0]
        assert header == ["part", "parameters"] or any("products" in cell for cell in header)


def test_scores_are_told_by_modality(facts: Facts) -> None:
    scored = section(model_card(facts), "Scores")
    assert cells(scored)[2:] == [
        ["all test products", "2,345", "0.812", "0.811", "0.711", "0.500", "0.032"],
        ["text alone", "2,000", "0.723", "0.722", "0.622", "0.500", "0.032"],
        ["picture alone", "600", "0.434", "0.433", "0.333", "0.500", "0.032"],
        ["both, fused", "255", "0.845", "0.844", "0.744", "0.500", "0.032"],
    ]
    assert "weighted F1 of 0.799, the picture alone 0.455" in scored
    assert "cannot be read, so that their products are scored by what else they have: 12." in scored


@pytest.mark.parametrize(("missing", "row"), [("text_only", 1), ("image_only", 2)])
def test_a_missing_modality_has_dashes(facts: Facts, missing: str, row: int) -> None:
    nothing = {"products": 0, "text_alone_weighted_f1": None, "image_alone_weighted_f1": None}
    evaluation = {**facts.evaluation, missing: {"products": 0}, "both": nothing}
    state: State = "text" if missing == "text_only" else "image"
    other: State = "image" if state == "text" else "text"
    thresholds = {other: 0.7}
    card = model_card(replace(facts, evaluation=evaluation, thresholds=thresholds))
    rows = cells(section(card, "Scores"))[2:]
    assert rows[row][1:] == rows[3][1:] == ["0", *"–––––"]
    assert "On products with both" not in card
    told = [row[0] for row in cells(section(card, "Acceptance")) if row[1] == "0.700"]
    assert told == ["picture alone" if state == "text" else "text alone"]


def test_acceptance(facts: Facts) -> None:
    accepting = section(model_card(facts), "Acceptance")
    assert "with a certainty of 90 %, 95 % of new answers are right" in accepting
    assert (
        "72.5 % of the test products are accepted, 96.1 % of them right (1,634 of 1,700; 95 % "
        "interval 95.1 % to 97.1 %)"
    ) in accepting
    rows = cells(accepting)
    assert rows[2:6] == [
        ["text alone", "1,500", "1,450", "1,400", "50", "96.6 %", "95.6 % to 97.6 %"],
        ["picture alone", "345", "0", "0", "0", "–", "–"],
        ["both", "500", "250", "234", "16", "93.6 %", "92.6 % to 94.6 %"],
        [
            *("all, with those that have neither", "2,345", "1,700", "1,634", "66", "96.1 %"),
            "95.1 % to 97.1 %",
        ],
    ]
    assert rows[8:11] == [
        ["text alone", "0.900", "1,203", "1,200", "900", "870", "products of this state"],
        ["picture alone", "never accepted", "317", "310", "0", "0", "all products with a picture"],
        ["both", "0.800", "12", "12", "–", "–", "too few products: as a text alone"],
    ]
    assert rows[-3:] == [
        ["90 %", "90.0 %", "2,110"],
        ["95 %", "77.0 %", "1,806"],
        ["98 %", "0.0 %", "0"],
    ]


OWN: dict[State, dict[str, float]] = {
    "both": {"10 Used books": 0.7},
    "text": {"10 Used books": 0.85, "2583 Pool": 0.95},
}


def by_code(facts: Facts) -> Facts:
    return replace(facts, acceptance="code", own=OWN)


def test_the_rule_of_acceptance_is_told(facts: Facts) -> None:
    of_state = section(model_card(facts), "Acceptance")
    assert "whatever the code (`evaluate.acceptance: state`)" in of_state
    assert "of its own" not in of_state
    of_code = section(model_card(by_code(facts)), "Acceptance")
    assert "(`evaluate.acceptance: code`)" in of_code
    assert (
        "Codes with a confidence of their own, of 3: text alone 2, picture alone 0, both 1. Of "
        "these, 90 % at least keep the promise on average."
    ) in of_code
    assert "The least confidence of codes without one of their own, and" in of_code
    none = model_card(replace(facts, acceptance="code"))
    assert "of 3: text alone 0, picture alone 0, both 0." in section(none, "Acceptance")


def test_the_precision_of_what_is_accepted_is_told_by_code(facts: Facts) -> None:
    told = section(model_card(facts), "Accepted, by code")
    assert "Codes of which nothing is accepted: 2." in told
    assert "Left out" not in told
    assert cells(told)[0] == ["answered as", "accepted products", "right", "precision", "interval"]
    assert cells(told)[2:] == [["10 Used books", "4", "3", "75.0 %", "19.4 % to 99.4 %"]]
    by_own = cells(section(model_card(by_code(facts)), "Accepted, by code"))
    assert by_own[0][-1] == "confidence of its own"
    assert by_own[2][-1] == "text alone 0.850, both 0.700"
    unproven = cells(section(model_card(replace(facts, acceptance="code")), "Accepted, by code"))
    assert unproven[2][-1] == "–"


def test_of_very_many_codes_the_worst_are_told_and_the_others_counted(facts: Facts) -> None:
    names = [f"{number} Name" for number in range(2000)]
    answers = [(name, name, True) for name in names for _ in range(20)]
    answers += [("0 Name", "1234 Name", True)] * 15
    confusion = pd.DataFrame(answers, columns=["actual", "predicted", "accepted"])
    codes = pd.DataFrame({"code": names, "f1": 1.0, "precision": 1.0, "recall": 1.0, "support": 20})
    card = model_card(
        replace(facts, confusion=confusion.assign(group=range(len(answers))), codes=codes)
    )
    told = section(card, "Accepted, by code")
    assert len(cells(told)[2:]) == ACCEPTED_CODES
    assert cells(told)[2][:3] == ["1234 Name", "35", "20"]
    assert "Codes of which nothing is accepted: 0." in told
    assert "1,950 codes, 39,000 of 39,000 products right." in told


def test_what_was_accepted_and_wrong_comes_first_with_counts(facts: Facts) -> None:
    card = model_card(facts)
    accepted, reviewed = (
        section(card, f"{what} and wrong") for what in ("Accepted", "Sent to review")
    )
    assert card.index("## Accepted and wrong") < card.index("## Sent to review and wrong")
    assert "1 of 4 products." in accepted
    assert cells(accepted)[2:] == [["2583 Pool", "10 Used books", "1", "25 %"]]
    assert "2 of 3 products." in reviewed
    assert cells(reviewed)[2:] == [["2583 Pool", "2905 PC games", "2", "50 %"]]
    assert next(iter(KINDS)) == "Accepted and wrong"


def test_large_groups_and_placeholders_are_told(facts: Facts) -> None:
    told = section(model_card(facts), "Data")
    assert "the largest group has 60 products. 77 products are of 2 groups" in told
    assert "1, of 88 products" in told


def test_corrections_are_told_where_there_are_any(facts: Facts) -> None:
    assert "Reviewers" not in section(model_card(facts), "Data")
    data = {**facts.data, "corrected": 1_234, "corrected_left_out": 5}
    told = section(model_card(replace(facts, data=data)), "Data")
    assert "Reviewers corrected or added 1,234 products; 5 of them are among the rows" in told


def test_no_accepted_product(facts: Facts) -> None:
    nothing = {**facts.evaluation["accepted"], **accepted(2_345, 0, 0)}
    card = model_card(replace(facts, evaluation={**facts.evaluation, "accepted": nothing}))
    assert "No test product is accepted." in section(card, "Acceptance")
    confusion = facts.confusion.assign(accepted=False)
    of_codes = section(model_card(replace(facts, confusion=confusion)), "Accepted, by code")
    assert of_codes.strip() == "No test product is accepted."


def test_weak_codes_and_confusions(facts: Facts) -> None:
    card = model_card(facts)
    codes = section(card, "Codes")
    rows = cells(codes)
    assert [row[0] for row in rows[2:5]] == ["10 Used books", "2583 Pool", "2905 PC games"]
    assert "1 codes have no test product" in codes
    assert [row[0] for row in rows[7:]] == ["2583 Pool", "10 Used books"]  # tested, weakest first
    assert [row[-1] for row in rows[7:]] == ["2905 PC games (2)", "–"]


def test_no_confusion(facts: Facts) -> None:
    right = facts.confusion.assign(predicted=facts.confusion["actual"])
    card = model_card(replace(facts, confusion=right))
    assert section(card, "Accepted and wrong").strip() == "0 of 4 products."
    assert section(card, "Sent to review and wrong").strip() == "0 of 3 products."


def test_an_example_is_told_shortly_and_means_nothing_in_markdown(facts: Facts) -> None:
    told = section(model_card(facts), "Explanations")
    assert "### Accepted and right\n\nThere is none" in told
    assert r"- Designation: Jeu \*rare\* \| neuf" in told
    assert "x" * 120 + "…" in told
    assert "x" * 121 not in told
    assert "2905 PC games, wrong: 2583 Pool; confidence 0.610, to be reviewed" in told
    # What moved the answer by 0.00 is left out.
    assert "- Words: “Jeu” (designation) +2.50, “neuf” (designation) -0.75\n" in told
    assert "- Picture: left 25–50 %, top 50–75 %: +1.50" in told


def test_nothing_of_the_machine_is_told(facts: Facts) -> None:
    card = model_card(facts)
    assert "/home" not in card
    assert r"model mobilenet, weights w.h5" in card
    assert "alpha" not in card
    assert r"shares.designation\_words 0.5" in card


def test_only_a_synthetic_catalogue_is_said_to_be_one(facts: Facts) -> None:
    assert "synthetic" not in model_card(facts)
    assert "catalogue of this run is synthetic" in model_card(replace(facts, synthetic=True))


def test_equal_figures_give_equal_bytes(facts: Facts) -> None:
    turned = {
        section: dict(reversed(values.items()))
        for section, values in reversed(facts.manifest["parameters"].items())
    }
    shuffled = replace(
        facts,
        manifest={**facts.manifest, "parameters": turned},
        confusion=facts.confusion[::-1],
    )
    assert model_card(shuffled) == model_card(facts)


def test_forms() -> None:
    assert (figure(None), figure(1234), figure(0.12345)) == ("–", "1,234", "0.123")
    assert (share(None), share(0.12345)) == ("–", "12.3 %")
    assert plain("a_b <c> `d` \\") == r"a\_b \<c\> \`d\` \\"
    assert table(("a", "b"), [("x", "1")]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (UrlData(source="url", path="s3://me:secret@host/b", sha256={}, watched=watched()), "host"),
        (UrlData(source="url", path="file:///home/me", sha256={}, watched=watched()), "file"),
        (FolderData.model_construct(source="folder", path="/", watched=watched("/")), "dvc.lock"),
        (
            HuggingFaceData(
                source="huggingface", path="a/b", revision=COMMIT, sha256={}, watched=watched()
            ),
            "`a/b`",
        ),
        (
            SampleData(source="sample", products=200, unlabelled=1, seed=7, watched=watched()),
            "seed 7",
        ),
    ],
)
def test_the_source_is_told_without_its_place_here(data: Any, told: str) -> None:
    assert told in data.origin
    assert not re.search("secret|me:|/home| /", data.origin)


# Which products are shown


Row = namedtuple("Row", ["number", "prdtypecode"])


def test_the_first_of_each_kind_is_shown_once() -> None:
    answers = [
        (10, prediction(10, 0.4, "both", accepted=True)),  # accepted and right, so not "both"
        (10, prediction(10, 0.9, "both", accepted=True)),
        (10, prediction(2583, 0.9, "text")),  # surer than what is accepted, and still reviewed
        (10, prediction(2583, 0.4, "image")),
        (10, prediction(10, 0.45, "image")),
        (10, prediction(2583, 0.8, "text", accepted=True)),
        (10, prediction(2583, 0.9, "text")),
    ]
    read = []

    def answered() -> Iterator[tuple[Row, Product, Prediction]]:
        for number, (actual, answer) in enumerate(answers):
            read.append(number)
            yield Row(number, actual), Product(), answer

    found = first_of_each_kind(answered())
    assert list(found) == list(KINDS)
    assert [chosen[0].number for chosen in found.values() if chosen] == [5, 0, 2, 3, 1]
    assert read == [0, 1, 2, 3, 4, 5]


def test_a_kind_that_does_not_occur_is_none() -> None:
    found = first_of_each_kind([(Row(0, 10), Product(), prediction(10, 0.9, "text"))])
    assert set(found.values()) == {None}


# The stage


@pytest.fixture
def run(
    classifier_root: Path, facts: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder in which the stage can run, with a tiny classifier and three products."""
    shutil.copytree(classifier_root / "models", tmp_path / "models")
    folder = tmp_path / "models" / "classifier"
    about = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    about["parameters"] = {
        "text": {"model": "lstm"},
        "language": {"model": "none"},
        "image": {"model": "cnn"},
        "train": {"seed": 7},
        "fusion": {"method": "stacked"},
    }
    (folder / "manifest.json").write_text(json.dumps(about), encoding="utf-8")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "data" / "prepared").mkdir(parents=True)
    (tmp_path / "data" / "raw").mkdir()
    name = "images/image_train/image_1_product_1.jpg"
    with zipfile.ZipFile(tmp_path / "data" / "raw" / "images.zip", "w") as archive:
        archive.writestr(name, tiny.picture("lime"))
    pd.DataFrame(
        [("piscine", 2583, ""), ("livre", 2905, ""), ("", 2583, name)],
        columns=["designation", "prdtypecode", "picture"],
    ).assign(description="", group=[0, 1, 1]).to_parquet(
        tmp_path / "data" / "prepared" / "test.parquet"
    )
    evaluation = tmp_path / "metrics" / "evaluation"
    evaluation.mkdir(parents=True)
    for path in ("data", "evaluation", "fusion"):
        (tmp_path / "metrics" / f"{path}.json").write_text(
            json.dumps(getattr(facts, path)), encoding="utf-8"
        )
    for path, values in (
        ("codes", facts.codes),
        ("confusion", facts.confusion.head(3).drop(columns="group")),
        ("reliability", facts.reliability),
    ):
        values.to_csv(evaluation / f"{path}.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_stage_explains_real_answers_as_the_service_does(run: Path) -> None:
    describe.describe()
    card = (run / "metrics" / "model_card.md").read_bytes()
    told = section(card.decode(), "Explanations")
    with Classifier.load(run / "models" / "classifier") as classifier:
        _, explanation = explain(classifier, Product("piscine", "", None))
    assert explanation is not None
    accepted = told.partition("### Accepted and right")[2].partition("###")[0]
    assert "2583 Pool, right" in accepted
    assert f"“piscine” (designation) {explanation.words[0].effect:+.2f}" in accepted
    wrong = told.partition("### Accepted and wrong")[2].partition("###")[0]
    assert "10 Used books, wrong: 2905 PC games" in wrong
    assert "2583 Pool, right" in told.partition("### From a picture alone")[2]
    assert told.partition("### From text and picture")[2].strip().startswith("There is none")
    assert str(run) not in card.decode()
    assert (
        "-S data=sample -S taxonomy=rakuten -S text=lstm -S language=none -S image=cnn"
        in card.decode()
    )
    describe.describe()
    assert (run / "metrics" / "model_card.md").read_bytes() == card


def test_the_stage_tells_which_codes_have_a_threshold_of_their_own(run: Path) -> None:
    folder = run / "models" / "classifier"
    fusion = Fusion.read(folder / FUSION_FILE)
    replace(fusion, code_thresholds={"text": {"10": 0.625}}).write(folder / FUSION_FILE)
    about = json.loads((folder / manifest.NAME).read_text(encoding="utf-8"))
    manifest.write(folder, {name: about[name] for name in ("parameters", "libraries")})
    params = (run / "params.yaml").read_text(encoding="utf-8")
    (run / "params.yaml").write_text(
        params.replace("acceptance: state", "acceptance: code"), encoding="utf-8"
    )
    describe.describe()
    card = (run / "metrics" / "model_card.md").read_text(encoding="utf-8")
    assert "of 3: text alone 1, picture alone 0, both 0." in section(card, "Acceptance")
    (row,) = cells(section(card, "Accepted, by code"))[2:]
    # Of three products, two are near-duplicates.
    low, high = clopper_pearson(np.ones(3, bool), np.array([0, 1, 1]))
    assert row == [
        *("10 Used books", "3", "3", "100.0 %", f"{share(low)} to {share(high)}"),
        "text alone 0.625",
    ]


@pytest.mark.parametrize("graph", ["text.onnx", "image.onnx"])
def test_the_stage_runs_without_a_modality(run: Path, graph: str) -> None:
    folder = run / "models" / "classifier"
    about = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / graph).unlink()
    manifest.write(folder, {name: about[name] for name in ("parameters", "libraries")})
    describe.describe()
    told = section((run / "metrics" / "model_card.md").read_text(encoding="utf-8"), "Explanations")
    assert ("(designation)" in told) == (graph == "image.onnx")


def test_seeds_are_those_of_the_parameters() -> None:
    settings = load(ROOT / "params.yaml")
    assert isinstance(settings.data, SampleData)
    assert describe.seeds(settings, {"seed": 99}) == {
        "data.seed": settings.data.seed,
        "prepare.seed": settings.prepare.seed,
        "train.seed": 99,
    }


def test_levels_have_their_scores_and_what_stands_there(facts: Facts) -> None:
    level = {
        **{"accuracy": 0.9, "weighted_f1": 0.89, "macro_f1": 0.88},
        "stand_here": accepted(2_345, 400, 390),
    }
    card = model_card(replace(facts, evaluation={**facts.evaluation, "levels": {"1": level}}))
    assert "## Levels" in card
    assert "| 1 | 0.900 | 0.890 | 0.880 |" in card
    assert "| 1 | 400 | 390 | 10 | 97.5 % | 96.5 % to 98.5 % |" in card
    assert "## Levels" not in model_card(facts)
