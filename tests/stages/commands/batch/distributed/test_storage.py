"""What lies at an address, by name and version."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.commands.batch.distributed import storage
from stages.common.output import StageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.csv", "c.parquet", "more.txt", "in.csv.gz"):
        (tmp_path / name).write_bytes(b"1")
    (tmp_path / "below").mkdir()
    (tmp_path / "below/d.csv").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("", ["a.csv", "b.csv", "c.parquet"]),
        ("/", ["a.csv", "b.csv", "c.parquet"]),
        ("/*.csv", ["a.csv", "b.csv"]),
        ("/**/*.csv", ["a.csv", "b.csv", "below/d.csv"]),
        ("/b.csv", ["b.csv"]),
        ("/below", ["below/d.csv"]),
        ("/*.tsv", []),
        ("/more.txt", []),
    ],
)
def test_tables_are_found_by_name(place: str, names: list[str], folder: Path) -> None:
    found = storage.files(f"{folder}{place}", (".csv", ".parquet"))
    assert [file.address for file in found] == [f"file://{folder}/{name}" for name in names]


def test_a_file_that_changes_has_another_version(folder: Path) -> None:
    address = f"file://{folder}/a.csv"
    [before] = storage.files(address, (".csv",))
    assert storage.files(address, (".csv",)) == [before]
    (folder / "a.csv").write_bytes(b"2")
    [after] = storage.files(address, (".csv",))
    assert (after.address, after.size) == (before.address, before.size)
    assert after.version != before.version


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("gone.csv", r"CATALOGUE=.*No such file"),
        ("nowhere://a.csv", "CATALOGUE=.*Protocol not known: nowhere"),
    ],
)
def test_what_is_not_there_is_told_by_its_setting(address: str, words: str) -> None:
    with pytest.raises(StageError, match=words), storage.storage_errors(f"CATALOGUE={address}"):
        storage.files(address, (".csv",))
