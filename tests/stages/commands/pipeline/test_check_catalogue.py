"""A catalogue is looked over as the pipeline would read it, and all its faults are told at once."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from stages.commands.__main__ import main
from stages.common.paths import IMAGES, TEST_PRODUCTS, TRAIN_CODES, TRAIN_PRODUCTS
from stages.sources.sample import listings as sample


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


def test_a_good_catalogue_is_told_in_full(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(folder) == 0
    told = capsys.readouterr().out
    assert f"{TRAIN_PRODUCTS} 200 rows, UTF-8: id, designation, description, productid" in told
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
    assert "image_1_product_1.jpg: picture is neither JPEG, PNG nor WebP" in told
    assert "(few: its scores will say little)" in told


def test_missing_files_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(tmp_path) == 1
    assert f"- {tmp_path / IMAGES} is missing" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["no/such/folder"]])
def test_without_a_folder_it_cannot_be_asked(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(*arguments) == 2
    printed = capsys.readouterr()
    assert "folder" in printed.err
    assert not printed.out
