"""The costs of stages: what is counted, how growth is told, and the catalogues made for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from stages.commands.repository import ResultError
from stages.common.paths import FILES, IMAGES, TEST_PRODUCTS, TRAIN_PRODUCTS
from stages.pictures.archive import PictureArchive
from stages.preparation.split import near_duplicate_groups
from stages.sources.sample import listings as sample
from tests.benchmarks import full_size, large_catalogue
from tests.benchmarks.full_size import ALL, OTHERS, PEER, Cost, Row


def row(stage: str, products: int, processor: float, memory: int = 10**9) -> Row:
    return Row(stage, products, Cost(2 * processor, processor, memory, 5 * 10**8))


ROWS = [
    *(row("prepare", 5000, 10), row("train_text", 5000, 60, 3 * 10**9), row(PEER, 5000, 30)),
    *(row("prepare", 20_000, 40), row("train_text", 20_000, 960), row(PEER, 20_000, 120)),
]


def test_growth_is_told_as_the_power_of_the_number_of_products() -> None:
    lines = full_size.markdown(ROWS).splitlines()
    assert lines[2:6] == [
        "| prepare | 5,000 | 20 | 10 |  | 1.00 | 0.50 |",
        "| prepare | 20,000 | 80 | 40 | 1.00 | 1.00 | 0.50 |",
        "| train_text | 5,000 | 120 | 60 |  | 3.00 | 0.50 |",
        "| train_text | 20,000 | 1,920 | 960 | 2.00 | 1.00 | 0.50 |",
    ]


def test_stages_are_summed_up_without_the_peer() -> None:
    found = {(of.stage, of.products): of.cost for of in full_size.summed(ROWS)}
    assert found[ALL, 5000] == Cost(140, 70, 3 * 10**9, 10**9)
    assert found[OTHERS, 20_000] == Cost(80, 40, 10**9, 5 * 10**8)
    assert list(full_size.summed([row(PEER, 5000, 30)])) == []


def test_the_text_branch_is_held_against_its_peer() -> None:
    assert list(full_size.ratios(ROWS)) == [
        "5,000 products: train_text takes 2.0 times the peer's processor seconds",
        "20,000 products: train_text takes 8.0 times the peer's processor seconds",
    ]


@pytest.mark.slow
def test_what_a_child_holds_and_spends_counts(tmp_path: Path) -> None:
    hold = "data = b'x' * 2**27; print('held', flush=True); input()"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    assert full_size.memory(process.pid) > 2**27
    process.communicate("\n")
    assert full_size.memory(process.pid) == 0

    spend = "import time\nwhile time.process_time() < 1: pass"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spend!r}])"
    cost = full_size.measured([sys.executable, "-c", start], tmp_path, tmp_path / "log")
    assert cost.processor > 0.9
    assert cost.memory > 0


@pytest.mark.slow
def test_a_stage_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no space left')"]
    with pytest.raises(ResultError, match="no space left"):
        full_size.measured(command, tmp_path, tmp_path / "log")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> large_catalogue.Source:
    small = tmp_path_factory.mktemp("sample")
    sample.generate(small, products=sample.MINIMUM_PRODUCTS, unlabelled=0, seed=3)
    return large_catalogue.Source.read(small)


@pytest.fixture(scope="module")
def made(source: large_catalogue.Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue of 400 products and 65 unlabelled ones; not to be changed."""
    folder = tmp_path_factory.mktemp("catalogue") / "made"
    large_catalogue.build(source, 400, 1, folder)
    return folder


@pytest.mark.slow
def test_a_made_catalogue_is_like_the_real_set(made: Path) -> None:
    products = pd.read_csv(made / TRAIN_PRODUCTS, index_col=0, keep_default_na=False)
    queries = pd.read_csv(made / TEST_PRODUCTS, index_col=0, keep_default_na=False)
    assert (len(products), len(queries)) == (400, 65)
    assert (products["description"] == "").mean() == pytest.approx(0.35, abs=0.1)
    assert (made / TRAIN_PRODUCTS).stat().st_size / 400 == pytest.approx(637, rel=0.2)
    assert (made / IMAGES).stat().st_size / 465 == pytest.approx(25_300, rel=0.2)
    with PictureArchive(made / IMAGES) as archive:
        assert all(archive.names(products, "image_train"))
        assert all(archive.names(queries, "image_test"))
        prints = pd.Series(archive.names(products, "image_train")).map(archive.fingerprint)
    groups = near_duplicate_groups(products["designation"].reset_index(drop=True), prints)
    assert len(set(groups)) > 0.9 * len(groups)
    assert pd.Series(groups).value_counts().max() < 8


@pytest.mark.slow
def test_what_was_cut_off_is_made_anew_the_same_and_what_is_whole_is_not(
    source: large_catalogue.Source, made: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(made, tmp_path / "made")
    (folder / IMAGES).write_bytes(b"kept")
    large_catalogue.build(source, 400, 1, folder)
    assert (folder / IMAGES).read_bytes() == b"kept"
    (folder / large_catalogue.MADE).unlink()
    large_catalogue.build(source, 400, 1, folder)
    for name in FILES:
        assert (folder / name).read_bytes() == (made / name).read_bytes()
    large_catalogue.build(source, 400, 2, folder)
    assert (folder / IMAGES).read_bytes() != (made / IMAGES).read_bytes()
