"""Parts of a catalogue with corrections: the test part is frozen, and nothing leaks into it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from serving.listing.text import designation_key, normalise
from stages import prepare
from stages.common.paths import CORRECTED, IMAGES, PREPARED, RAW, TRAIN_CODES, TRAIN_PRODUCTS
from stages.preparation.corrected import TESTED
from stages.preparation.csv_table import CatalogueError
from stages.preparation.split import PARTS
from stages.sources import merging
from stages.sources.sample import listings as sample
from tests.support import corrected, tiny
from tests.support.rakuten import copy_taxonomy
from tests.support.repository import ROOT

FOLDER = Path("corrections")
Row = tuple[tuple[str, ...], bytes]


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sampled") / "raw"
    folder.mkdir()
    sample.generate(folder, products=600, unlabelled=3, seed=3)
    return folder


@pytest.fixture(autouse=True)
def here(sampled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    copy_taxonomy(tmp_path)
    monkeypatch.chdir(tmp_path)
    restore(sampled)


def restore(sampled: Path) -> None:
    RAW.mkdir(parents=True, exist_ok=True)
    CORRECTED.unlink(missing_ok=True)
    for path in sampled.iterdir():
        (RAW / path.name).write_bytes(path.read_bytes())


def parts() -> dict[int, str]:
    """The part of each product, by its index."""
    found: dict[int, str] = {}
    for name in PARTS:
        found |= dict.fromkeys(pd.read_parquet(PREPARED / f"{name}.parquet")["id"], name)
    return found


def prepared(*rows: Row) -> dict[int, str]:
    if rows:
        merging.merge(corrected.write(FOLDER, *rows), RAW)
    prepare.prepare()
    return parts()


def products() -> pd.DataFrame:
    codes = pd.read_csv(RAW / TRAIN_CODES, index_col=0)["prdtypecode"]
    return rows().join(codes)


def rows() -> pd.DataFrame:
    table = pd.read_csv(RAW / TRAIN_PRODUCTS, index_col=0, dtype=str, keep_default_na=False)
    return table.set_axis(table.index.astype(int))


def figures() -> dict[str, float]:
    read: dict[str, float] = json.loads(Path("metrics/data.json").read_text("utf-8"))
    return read


def other(code: int, codes: pd.Series) -> int:
    return int(next(each for each in sorted(set(codes)) if each != code))


def correct(table: pd.DataFrame, index: int) -> Row:
    """Another code for a product, by its productid."""
    of = table.loc[index]
    code = other(of["prdtypecode"], table["prdtypecode"])
    return corrected.row(code, of["designation"], identifier=of["productid"], product=f"k{index}")


def alone(index: int) -> bool:
    """Whether no other product is of the group of a product."""
    every = pd.concat(pd.read_parquet(PREPARED / f"{name}.parquet") for name in PARTS)
    group = every.loc[every["id"] == index, "group"].iloc[0]
    return int((every["group"] == group).sum()) == 1


def test_without_corrections_nothing_of_it_is_told() -> None:
    prepared()
    assert not CORRECTED.exists()
    assert "corrected" not in figures()


def test_the_test_part_is_frozen_but_for_corrected_products() -> None:
    before, table = prepared(), products()
    of_part = {name: [i for i, part in before.items() if part == name] for name in PARTS}
    lone = {
        name: [index for index in of_part[name] if alone(index)][: 8 if name == "test" else 25]
        for name in PARTS
    }
    corrections = [correct(table, index) for indices in lone.values() for index in indices]
    new = [corrected.row(2583, f"Produit jamais vu {number}") for number in range(40)]
    after = prepared(*corrections, *new)
    fixed = {index for indices in lone.values() for index in indices}
    assert {i for i, part in after.items() if part == "test"} == {*of_part["test"]} - fixed
    assert {after[index] for index in fixed} == {"train"}
    assert len(after) == len(before) + len(new)
    assert {part for index, part in after.items() if index not in before} == {"train"}
    moved = {i for i, part in before.items() if i not in fixed and after[i] != part}
    assert moved == set()
    told = figures()
    assert told["corrected"] == len(corrections) + len(new)
    assert told["corrected_left_out"] == 0
    train = pd.read_parquet(PREPARED / "train.parquet").set_index("id")["prdtypecode"]
    assert train[lone["test"][0]] == other(
        table["prdtypecode"][lone["test"][0]], table["prdtypecode"]
    )


def test_a_near_duplicate_of_a_tested_product_is_left_out_with_the_reason() -> None:
    before, table = prepared(), products()
    tested = [i for i, part in before.items() if part == "test" and table["designation"][i]]
    title = table["designation"][tested[0]]
    new = corrected.row(2583, f"{title.upper()} !")
    after = prepared(new)
    assert after == before
    rejected = pd.read_csv(PREPARED / "rejected.csv", keep_default_na=False)
    [row] = rejected[rejected["reason"] == TESTED].to_dict("records")
    assert row["designation"] == f"{title.upper()} !"
    assert figures()["corrected_left_out"] == 1


def test_a_corrected_product_leaves_only_where_its_tested_duplicate_stays(sampled: Path) -> None:
    """Two near-duplicates that are tested: one corrected is left out, both go to training."""
    table = products()
    pair = table.index[table["designation"] != ""][:2]
    for seed in range(40):  # until the pair is tested
        restore(sampled)
        raw = rows()
        raw.loc[pair, "designation"] = "La même chose"
        raw.to_csv(RAW / TRAIN_PRODUCTS)
        codes = pd.read_csv(RAW / TRAIN_CODES, index_col=0)
        codes.loc[pair, "prdtypecode"] = 2583
        codes.to_csv(RAW / TRAIN_CODES)
        text = (ROOT / "params.yaml").read_text("utf-8").replace("seed: 13", f"seed: {seed}")
        Path("params.yaml").write_text(text, encoding="utf-8")
        before = prepared()
        if {before[index] for index in pair} == {"test"}:
            break
    assert {before[index] for index in pair} == {"test"}
    saved = {path.name: path.read_bytes() for path in RAW.iterdir()}
    both_rows = [correct(products(), index) for index in pair]
    one = prepared(both_rows[0])
    assert one == {index: part for index, part in before.items() if index != pair[0]}
    for name, content in saved.items():
        (RAW / name).write_bytes(content)
    both = prepared(*both_rows)
    assert both == before | dict.fromkeys(pair, "train")


def test_a_group_with_a_corrected_product_goes_to_training_as_a_whole() -> None:
    before, table = prepared(), products()
    index = next(i for i, p in before.items() if p == "validation" and table["designation"][i])
    group = [
        i
        for i in before
        if designation_key(normalise(table["designation"][i]))
        == designation_key(normalise(table["designation"][index]))
    ]
    after = prepared(corrected.row(2583, table["designation"][index] + " !"))
    assert {after[i] for i in group} == {"train"}
    assert {i for i, p in after.items() if p == "test"} == {
        i for i, p in before.items() if p == "test"
    }
    every = [pd.read_parquet(PREPARED / f"{name}.parquet")["group"] for name in PARTS]
    assert not set(every[0]) & set(every[1])
    assert not set(every[2]) & {*every[0], *every[1]}


def test_a_new_product_that_links_training_to_the_test_part_is_left_out_alone() -> None:
    """Its title is that of a tested product, its picture that of one that is trained on."""
    before, table = prepared(), products()
    tested = next(i for i, p in before.items() if p == "test" and table["designation"][i])
    train = pd.read_parquet(PREPARED / "train.parquet")
    shown = train[train["picture"] != ""].iloc[0]
    with zipfile.ZipFile(RAW / IMAGES) as archive:
        picture = archive.read(shown["picture"])
    link = corrected.row(10, table["designation"][tested] + ".", picture=picture)
    fixed = correct(table, int(shown["id"]))
    after = prepared(link, fixed)
    assert {i for i, p in after.items() if p == "test"} == {
        i for i, p in before.items() if p == "test"
    }
    assert after[int(shown["id"])] == "train"
    assert figures()["corrected_left_out"] == 1


def test_the_settings_may_let_corrected_products_be_tested() -> None:
    text = (ROOT / "params.yaml").read_text("utf-8")
    changed = text.replace("corrections_in_test: false", "corrections_in_test: true")
    Path("params.yaml").write_text(changed, encoding="utf-8")
    before = prepared()
    new = [corrected.row(2583, f"Produit jamais vu {number}") for number in range(60)]
    after = prepared(*new)
    assert {part for index, part in after.items() if index not in before} == set(PARTS)
    assert figures()["corrected"] == 60


def test_a_code_that_the_taxonomy_has_not_is_told_with_its_product() -> None:
    row = corrected.row(4711, "Objet inconnu")
    with pytest.raises(CatalogueError, match=rf"{row[0][0]} .*'4711'.*conf/taxonomy/rakuten\.csv"):
        prepared(row)


@pytest.mark.parametrize(("rare", "kept"), [("train", True), ("reject", False), ("refuse", None)])
def test_a_corrected_code_that_is_rare_is_treated_as_the_settings_say(
    rare: str, kept: bool | None
) -> None:
    """No product of the code is left but a corrected one."""
    codes = pd.read_csv(RAW / TRAIN_CODES, index_col=0)
    codes.loc[codes["prdtypecode"] == 60, "prdtypecode"] = 10
    codes.to_csv(RAW / TRAIN_CODES)
    text = (ROOT / "params.yaml").read_text("utf-8")
    changed = text.replace("rare_codes: train", f"rare_codes: {rare}")
    Path("params.yaml").write_text(changed, encoding="utf-8")
    before = prepared()
    row = corrected.row(60, "La seule console", picture=tiny.picture("blue"))
    if kept is None:
        with pytest.raises(CatalogueError, match=r"1 products are corrected to codes.*: 60"):
            prepared(row)
    else:
        after = prepared(row)
        assert set(after) - set(before) == ({max(after)} if kept else set())
        assert figures()["corrected_left_out"] == (0 if kept else 1)
