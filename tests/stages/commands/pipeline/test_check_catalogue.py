"""A catalogue is looked over as the pipeline would read it, and all its faults are told at once."""

from __future__ import annotations

import re
import shlex
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from stages import ingest
from stages.commands.__main__ import main
from stages.common.paths import IMAGES, TEST_PRODUCTS, TRAIN_CODES, TRAIN_PRODUCTS
from stages.common.settings import TablesData, load
from stages.sources.sample import listings as sample
from tests.support.repository import attempt, clone
from tests.support.shop import (
    Overrides,
    Shop,
    addresses,
    json_lines_packed,
    latin_semicolons,
    two_tables_in_another_order,
)
from tests.test_configuration import composed


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue; not to be changed."""
    folder = tmp_path_factory.mktemp("catalogue")
    sample.generate(folder, products=200, unlabelled=20, seed=3)
    return folder


@pytest.fixture
def folder(generated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(generated, tmp_path, dirs_exist_ok=True))


def check(*arguments: object) -> object:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as ended:
        main(["pipeline", "check-catalogue", *map(str, arguments)])
    return ended.value.code


def keep(folder: Path, chosen: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Leave in the catalogue the labelled rows that are chosen."""
    products, codes = (
        pd.read_csv(folder / name, index_col=0, dtype=str) for name in (TRAIN_PRODUCTS, TRAIN_CODES)
    )
    rows = chosen(codes).index
    products.loc[rows].to_csv(folder / TRAIN_PRODUCTS)
    codes.loc[rows].to_csv(folder / TRAIN_CODES)


def twelve_rows(folder: Path) -> None:
    keep(folder, lambda codes: codes.head(12))


def one_row_a_code(folder: Path) -> None:
    keep(folder, lambda codes: codes.drop_duplicates().head(25))


def header_alone(folder: Path) -> None:
    keep(folder, lambda codes: codes.head(0))


def take_everything_out(folder: Path) -> None:
    take_pictures_out(folder)
    products = pd.read_csv(folder / TRAIN_PRODUCTS, index_col=0, dtype=str)
    products.assign(designation="", description="").to_csv(folder / TRAIN_PRODUCTS)


def leave_one_picture(folder: Path) -> None:
    with zipfile.ZipFile(folder / IMAGES) as archive:
        name, picture = next(
            (name, archive.read(name))
            for name in archive.namelist()
            if "image_train/image_" in name and len(archive.read(name)) > 1000
        )
    with zipfile.ZipFile(folder / IMAGES, "w") as archive:
        archive.writestr(name, picture)


def spoil_pictures(folder: Path) -> None:
    with zipfile.ZipFile(folder / IMAGES) as archive:
        names = archive.namelist()
    with zipfile.ZipFile(folder / IMAGES, "w") as archive:
        for name in names:
            archive.writestr(name, b"no picture")


def take_pictures_out(folder: Path) -> None:
    with zipfile.ZipFile(folder / IMAGES, "w") as archive:
        archive.writestr("images/read me.txt", "none")


def test_a_good_catalogue_is_told_in_full(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(folder) == 0
    told = capsys.readouterr().out
    assert (
        f"{TRAIN_PRODUCTS} 200 rows, UTF-8: id, designation, description, productid, imageid\n"
        in told
    )
    assert "27 of 27" in told
    assert " 2583 Pool " in told
    assert "rows repeat the title or the picture of another" in told
    assert "labelled rows have a picture" in told
    assert "cannot be read" in told
    assert told.strip().endswith(f"-S data=folder -S data.path={folder}")


def test_all_faults_are_told_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    products = folder / TRAIN_PRODUCTS
    products.write_bytes(products.read_text(encoding="utf-8").encode("utf-16"))
    codes = folder / TRAIN_CODES
    codes.write_text(codes.read_text(encoding="utf-8").replace(",", ";"), encoding="utf-8")
    (folder / IMAGES).write_bytes(b"no archive")
    assert check(folder) == 1
    told = capsys.readouterr().out.partition("cannot work with it:")[2]
    assert f"- {products}: it is UTF-16" in told
    assert f"- {codes}: its columns are separated by semicolons" in told
    assert f"- {folder / IMAGES} is no readable zip archive" in told
    assert TEST_PRODUCTS not in told


def test_bad_rows_rare_codes_and_unreadable_pictures_are_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = folder / TRAIN_CODES
    lines = codes.read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1].split(",")[0] + ",9999"
    codes.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with zipfile.ZipFile(folder / IMAGES, "a") as archive:
        archive.writestr("images/image_train/image_1_product_1.jpg", b"no picture")
    assert check(folder) == 0
    told = capsys.readouterr().out
    assert "prdtypecode 9999: unknown code" in told
    assert "image_1_product_1.jpg: picture is no JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF" in told
    assert "(few: its scores will say little)" in told


def test_rows_with_nothing_in_them_are_left_out_as_the_pipeline_does(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    take_pictures_out(folder)
    products = pd.read_csv(folder / TRAIN_PRODUCTS, index_col=0, dtype=str)
    products.loc[products.index[:3], ["designation", "description"]] = ""
    products.to_csv(folder / TRAIN_PRODUCTS)
    check(folder)
    told = capsys.readouterr().out
    counted = re.search(r"labelled +(\d+) rows can be used, (\d+) would be left out", told)
    assert counted
    used, left_out = map(int, counted.groups())
    assert left_out >= 3
    assert used + left_out == 200
    assert f"id {products.index[0]}: neither text nor picture" in told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "branch", "stages", "words"),
    [
        (header_alone, "", ("prepare",), "there is no row below the header"),
        (take_everything_out, "", ("prepare",), "has a text or a picture"),
        (twelve_rows, "", ("prepare",), "none would be left for test"),
        (one_row_a_code, "", ("prepare",), "none would be left for validation and test"),
        (take_pictures_out, "image branch: ", ("prepare", "images"), "has no picture in image_tr"),
        (leave_one_picture, "image branch: ", ("prepare", "images", "train_image"), "needs both"),
    ],
)
def test_what_a_stage_will_refuse_is_told_in_its_words(
    spoil: Callable[[Path], None],
    branch: str,
    stages: tuple[str, ...],
    words: str,
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(folder)
    assert check(folder) == 1
    told = capsys.readouterr().out
    repository = clone(tmp_path_factory.mktemp("repository"))
    options = ("data=folder", f"data.path={folder}", "image=cnn")
    attempt(repository, "stages.commands", "pipeline", "params", *options)
    for stage in ("ingest", *stages[:-1]):
        assert attempt(repository, "stages", stage).returncode == 0
    refused = attempt(repository, "stages", stages[-1])
    assert refused.returncode == 1
    message = refused.stderr.splitlines()[-1].removeprefix(f"{stages[-1]}: ")
    assert words in message
    assert "-S image=none" in message or not branch
    assert f"- {branch}{message.replace('data/raw', str(folder))}\n" in told


def test_pictures_none_of_which_can_be_read_are_a_fault(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil_pictures(folder)
    assert check(folder) == 1
    told = capsys.readouterr().out.partition("cannot work with it:")[2]
    assert told.count("\n- ") == 1
    assert "- image branch: of the products this branch can see, 0 are for training" in told
    assert "-S image=none" in told


def test_missing_files_are_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / IMAGES).unlink()
    assert check(folder) == 1
    assert f"- {folder / IMAGES} is missing" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["no/such/folder"]])
def test_without_a_folder_it_cannot_be_asked(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(*arguments) == 2
    printed = capsys.readouterr()
    assert "folder" in printed.err
    assert not printed.out


def recommended(told: str, path: Path) -> TablesData:
    """The settings of the command that was printed last."""
    words = shlex.split(told.strip().splitlines()[-1].partition(": ")[2])
    assert words[:3] == ["dvc", "exp", "run"]
    data = load(composed(path, *words[4::2])).data
    assert isinstance(data, TablesData)
    return data


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "said"),
    [
        (
            latin_semicolons,
            "export.csv       220 rows, Latin-1, separated by semicolons: Réf, Nom,",
        ),
        (json_lines_packed, "export.jsonl.gz  220 rows, UTF-8: Réf, Nom, Texte, Rayon,"),
        (
            two_tables_in_another_order,
            "c.tsv.zip        200 rows, UTF-16, separated by tabs: Rayon,",
        ),
    ],
)
def test_a_shop_s_tables_are_guessed_and_the_command_runs_as_it_is_printed(
    form: Callable[[Shop], Iterator[Overrides]],
    said: str,
    generated: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shop = Shop(generated, tmp_path / "l'été (2)")
    if form is json_lines_packed:  # pictures are then found by how they are called
        shop.rows = shop.rows.drop(columns="Photo")
    next(form(shop))
    assert check(shop.folder) == 0
    told = capsys.readouterr().out
    assert said in told
    assert "27 of 27" in told
    assert re.search(r" 1[78]\d of 19\d labelled rows have a picture", told)
    data = recommended(told, tmp_path / "params.yaml")
    raw = tmp_path / "raw"
    ingest.bring(data, raw)
    assert "200 products with codes, 20 to be answered" in capsys.readouterr().out
    expected = pd.read_csv(generated / TRAIN_CODES)["prdtypecode"].tolist()
    codes = pd.read_csv(raw / TRAIN_CODES, index_col=0)["prdtypecode"]
    products = pd.read_csv(raw / TRAIN_PRODUCTS, index_col=0, keep_default_na=False)
    assert codes[products.index].tolist() == expected
    with zipfile.ZipFile(raw / IMAGES) as archive:
        assert len(archive.namelist()) > 190


@pytest.mark.slow
@pytest.mark.parametrize("named", [False, True], ids=["labels alone", "a table of names"])
def test_other_codes_are_taken_as_they_are(
    named: bool, generated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = Shop(generated, tmp_path / "shop")
    shop.rows["Rayon"] = [f"rayon {code} > été" if code else "" for code in shop.rows["Rayon"]]
    next(latin_semicolons(shop))
    if named:
        rows = "".join(f"{code},Nom de {code}\n" for code in set(shop.rows["Rayon"]) - {""})
        (shop.folder / "names.csv").write_text(f"code,label\n{rows}", encoding="utf-8")
    assert check(shop.folder) == 0
    told = capsys.readouterr().out
    assert re.search(r"codes +27( of 27)?\n", told)
    assert ("rayon 10 > été Nom de rayon 10 > été" in told) is named
    words = shlex.split(told.strip().splitlines()[-1].partition(": ")[2])
    settings = load(composed(tmp_path / "params.yaml", *words[4::2]))
    assert settings.taxonomy.source == ("file" if named else "labels")
    assert settings.data.source == "tables"


def test_hosts_of_pictures_are_told_and_not_asked(
    generated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = Shop(generated, tmp_path / "shop")
    making = addresses(shop)
    host = str(next(making)["pictures.hosts"])
    list(making)  # nobody answers there any more
    assert check(shop.folder / "export.csv") == 0
    told = capsys.readouterr().out
    assert re.search(rf"addresses +19\d pictures at {host[1:-1]}, which is not asked here", told)
    data = recommended(told, tmp_path / "params.yaml")
    assert (data.pictures.hosts, data.columns.picture_sha256) == ([host[1:-1]], "Hash")


def test_what_cannot_be_guessed_is_asked_for_and_taken(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(folder, folder / "shop")
    rows = shop.rows.rename(columns={"Nom": "machin", "Photo": "quoi"}).drop(columns="imageid")
    rows["productid"] = range(len(rows))
    rows.to_csv(shop.folder / "t.csv", index=False)
    assert check(shop.folder) == 1
    told = capsys.readouterr().out
    assert "no column looks like a title (found Réf, machin, Texte" in told
    assert "OPTIONS='-S data.columns.title=…'" in told
    monkeypatch.setenv("OPTIONS", "-S data.columns.title=machin -S data.columns.code=bidule")
    assert check(shop.folder) == 1
    told = capsys.readouterr().out
    assert "column 'bidule' is missing; found 'Réf', 'machin'" in told
    assert "-S data.columns.title=machin -S data.columns.code=bidule\n" in told
    (shop.folder / "t.csv").unlink()
    assert check(shop.folder) == 2
    assert "holds neither the challenge's four files nor a table" in capsys.readouterr().err
