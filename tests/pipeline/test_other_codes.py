"""Catalogues with codes of their own, from a shop's export to answers, drift and the gate."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from serving.app import create_app
from serving.classifier.classifier import Classifier
from serving.classifier.explaining import explain
from serving.classifier.prediction import Product
from serving.settings import Settings
from stages.common.paths import IMAGES, TRAIN_CODES
from stages.preparation.split import PARTS
from stages.sources.sample import listings as sample
from tests.support.repository import SMALL, attempt, clone, git, run
from tests.support.service import PASSWORD, SECRET, USER, Client, bearer, wait_ready
from tests.support.shop import Shop, latin_semicolons, written

pytestmark = pytest.mark.slow

PARENTS = 6


def department(code: int) -> str:
    return f"rayon/{code % PARENTS}"


class Taxonomy:
    """43 texts under six parents, in the place of the sample's 27 numbers: those of the first 16
    are divided by how often a product occurs."""

    def __init__(self, codes: list[int]) -> None:
        self._numbers = {code: number for number, code in enumerate(sorted(set(codes)))}
        self.rows = {
            name: department(code)
            for code, number in self._numbers.items()
            for name in ([f"{code} > neuf", f"{code} > été"] if number < 16 else [f"{code} & co"])
        }

    def code(self, code: int, number: int) -> str:
        if self._numbers[code] < 16:
            return f"{code} > {'neuf' if number % 2 else 'été'}"
        return f"{code} & co"

    def write(self, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(("code", "label", "label_en", "parent"))
            table.writerows((name, f"Nom {name}", "", above) for name, above in self.rows.items())
            tops = sorted(set(self.rows.values()))
            table.writerows((above, above.title(), "", "boutique") for above in tops)
            table.writerow(("boutique", "La boutique", "The shop", ""))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which the pipeline ran on a Latin-1 export with 43 codes, committed."""
    folder = clone(tmp_path_factory.mktemp("codes") / "repository")
    raw = folder.parent / "raw"
    raw.mkdir()
    sample.generate(raw, products=900, unlabelled=30, seed=5)
    shop = Shop(raw, folder.parent / "shop")
    codes = pd.to_numeric(shop.rows["Rayon"])
    taxonomy = Taxonomy(codes.dropna().astype(int).tolist())
    shop.rows["Rayon"] = [
        taxonomy.code(int(code), number) if code == code else ""  # NaN: to be answered
        for number, code in enumerate(codes)
    ]
    taxonomy.write(shop.folder.parent / "taxonomy.csv")
    options = written(next(latin_semicolons(shop)))
    words = [word for option in options for word in ("-S", option)]
    words += ["-S", "taxonomy=file", "-S", f"taxonomy.path={folder.parent / 'taxonomy.csv'}"]
    run(folder, "dvc", "exp", "run", *words, *SMALL[4:-2], "-S", "image.size=64")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "43 codes")
    return folder


@pytest.fixture(scope="module")
def tested(repository: Path) -> pd.DataFrame:
    return pd.read_parquet(repository / "data/prepared/test.parquet")


def metrics(repository: Path, name: str) -> dict[str, Any]:
    return json.loads((repository / f"metrics/{name}.json").read_text(encoding="utf-8"))


def test_every_stage_knows_the_codes_of_the_shop(repository: Path) -> None:
    assert metrics(repository, "data")["codes"] == 43
    assert metrics(repository, "evaluation")["text_only"]["accuracy"] > 0.3
    levels = metrics(repository, "evaluation")["levels"]
    assert levels["1"]["accuracy"] == 1  # all stand under the shop
    assert 1 > levels["2"]["accuracy"] >= metrics(repository, "evaluation")["accuracy"]
    fusion = json.loads((repository / "models/fusion/fusion.json").read_text(encoding="utf-8"))
    assert len(fusion["codes"]) == 43
    assert {len(least) for least in fusion["level_thresholds"].values()} == {2}
    card = (repository / "metrics/model_card.md").read_text(encoding="utf-8")
    assert "## Levels" in card
    assert "one of 43 product type codes" in card
    assert r"10 \> neuf" in (repository / "metrics/data_card.md").read_text(encoding="utf-8")


def test_answers_name_their_path_and_as_what_they_may_stand(repository: Path) -> None:
    with (repository / "data/predictions/predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 30
    for row in rows:
        shop, above, name = row["path"].split(" > ", 2)
        assert shop == "La boutique"
        assert above.lower() == department(int(row["prdtypecode"].split()[0]))
        assert name == row["label"] == f"Nom {row['prdtypecode']}"
        if row["accepted"] == "True":
            assert row["accepted_as"] == row["prdtypecode"]
        else:
            assert row["accepted_as"] in ("", "boutique", above.lower())
    assert "boutique" in {row["accepted_as"] for row in rows}


def test_a_further_export_of_the_shop_is_answered_as_it_is(repository: Path) -> None:
    export, answers = repository.parent / "shop/new.csv", repository.parent / "answers.csv"
    known = pd.read_csv(export.with_name("export.csv"), sep=";", encoding="latin-1", dtype=str)
    new = known.head(20).drop(columns="Rayon")
    new.to_csv(export, sep=";", encoding="latin-1", index=False)
    told = run(
        repository, "stages.commands", "batch", "predict", str(export), "--output", str(answers)
    )
    pictured = new["Photo"].notna().sum()
    assert "20 products answered" in told
    assert f"; {pictured} have a picture, " in told
    rows = pd.read_csv(answers, keep_default_na=False)
    assert rows["id"].tolist() == new["Réf"].tolist()
    assert list(rows.columns[-2:]) == ["path", "accepted_as"]
    actual = known.head(20)["Rayon"]
    assert (rows["prdtypecode"] == actual).mean() > 0.7  # most of them were trained on


def test_an_answer_can_be_explained(repository: Path, tested: pd.DataFrame) -> None:
    with Classifier.load(repository / "models/classifier") as classifier:
        row = next(row for row in tested.itertuples() if row.designation)
        prediction, explanation = explain(classifier, Product(row.designation, row.description))
    assert explanation is not None
    assert prediction.code in classifier.codes
    assert explanation.words


def test_the_service_answers_with_them_and_drift_and_late_labels_are_told(
    repository: Path, tested: pd.DataFrame, tmp_path: Path
) -> None:
    log, labels = tmp_path / "predictions.jsonl", tmp_path / "labels.csv"
    settings = Settings(
        secret_key=SECRET,
        users_database=tmp_path / "users.sqlite3",
        test_user=USER,
        test_user_full_name="Alice Martin",
        test_user_password=PASSWORD,
        model=repository / "models/classifier",
        lock=repository / "dvc.lock",
        predict_limit=0,
        metrics="open",
        predictions_path=log,
    )
    asked = tested[tested["designation"] != ""].head(40)
    with Client(create_app(settings)) as client:
        wait_ready(client)
        auth = bearer(client)
        for row in asked.itertuples():
            form = {"designation": row.designation, "product_identifier": str(row.id)}
            answer = client.post("/predict", json=form, headers=auth)
            assert answer.status_code == 200, answer.text
            body = answer.json()
            assert [level["code"] for level in body["path"]][::2] == ["boutique", body["predicted"]]
            assert body["path"][-1]["accepted"] is body["accepted"]
            sums = [level["confidence"] for level in body["path"]]
            assert sums == sorted(sums, reverse=True)
        about = client.get("/model", headers=auth).json()
        assert len(about["codes"]) == 43
        counted = client.get("/metrics").text
        assert "classifier_predictions_total{accepted=" in counted
    with labels.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("", "prdtypecode"))
        table.writerows(zip(asked["id"], asked["prdtypecode"], strict=True))
    done = attempt(
        *(repository, "stages.commands", "drift", "report", "--log", str(log)),
        *("--labels", str(labels), "--output", str(tmp_path / "drift.md")),
    )
    assert "right among the accepted" in done.stdout, done.stderr


def test_the_gate_compares_codes_that_are_texts(repository: Path) -> None:
    told = attempt(repository, "stages.commands", "quality", "gate", "HEAD").stdout
    # The seconds of a product are those of a machine at work on other tests, too.
    figures = [line for line in told.splitlines() if line.endswith(("| ok |", "**worse** |"))]
    judged = [line for line in figures if not line.startswith("| seconds")]
    assert len(judged) == len(figures) - 1 == 6
    assert all(line.endswith("| ok |") for line in judged), told
    assert "On the same 90 test products" in told


def test_the_registry_takes_them_and_has_a_champion(repository: Path) -> None:
    told = run(repository, "stages.commands", "registry", "publish")
    assert "registered: product-classifier version 1" in told
    assert "is the champion" in run(repository, "stages.commands", "registry", "promote")


SIZES = [
    pytest.param(2, ("text=none", "image.folds=2", "image.size=32"), id="2 codes, pictures alone"),
    pytest.param(500, ("image=none", "text.folds=2", "text.bits=14"), id="500 codes, texts alone"),
]


@pytest.mark.nightly
@pytest.mark.exhaustive
@pytest.mark.parametrize(("count", "options"), SIZES)
def test_two_and_five_hundred_codes(count: int, options: tuple[str, ...], tmp_path: Path) -> None:
    folder = clone(tmp_path / "repository")
    catalogue = tmp_path / "catalogue"
    catalogue.mkdir()
    sample.generate(catalogue, products=1000, unlabelled=5, seed=5)
    given = pd.read_csv(catalogue / TRAIN_CODES, index_col=0)
    of_sample = given["prdtypecode"].rank(method="dense").astype(int)
    numbers = of_sample % 2 if count == 2 else (of_sample - 1) * 20 + of_sample.index % 20
    given.assign(prdtypecode=numbers % count).to_csv(catalogue / TRAIN_CODES)
    if "image=none" in options:
        with zipfile.ZipFile(catalogue / IMAGES, "w"):
            pass
    run(
        *(folder, "dvc", "exp", "run", "-S", "data=folder", "-S", f"data.path={catalogue}"),
        *("-S", "taxonomy=labels", *(word for each in options for word in ("-S", each))),
    )
    figures = metrics(folder, "data")
    codes = pd.concat(
        pd.read_parquet(folder / f"data/prepared/{part}.parquet")["prdtypecode"] for part in PARTS
    )
    assert figures["codes"] == codes.nunique() > count // 2
    assert metrics(folder, "evaluation")["products"] > 0
    with Classifier.load(folder / "models/classifier") as classifier:
        assert classifier.codes == tuple(sorted(set(codes)))
        assert all(isinstance(code, int) for code in classifier.codes)
    if count == 500:
        assert figures["untested_codes"] > 100
        card = (folder / "metrics/data_card.md").read_text(encoding="utf-8")
        assert f"Shown are the 60 most frequent; {figures['codes'] - 60} more are not." in card
        assert len(pd.read_csv(folder / "metrics/evaluation/codes.csv")) == figures["codes"]
