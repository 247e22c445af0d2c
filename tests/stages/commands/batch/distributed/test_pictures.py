"""A bad picture is left out; a storage that fails is never taken for one."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import pytest

from stages.commands.batch.answer_rows import Picture
from stages.commands.batch.distributed import pictures
from stages.commands.batch.distributed.pictures import Addressed, RemoteArchive, archive_of
from stages.commands.batch.distributed.storage import File
from stages.common.output import StageError

ROWS = pd.DataFrame({"imageid": [1, 2], "productid": [3, 4]})


def archive(path: Path, *contents: bytes) -> str:
    with zipfile.ZipFile(path, "w") as file:
        for number, content in enumerate(contents, start=1):
            file.writestr(f"image_test/image_{number}_product_{number + 2}.jpg", content)
    return f"file://{path}"


def test_an_archive_gives_the_pictures_of_its_products(tmp_path: Path) -> None:
    remote = RemoteArchive(archive(tmp_path / "p.zip", b"one"))
    assert remote.of(ROWS) == [Picture(True, b"one"), Picture(False, None)]
    remote.close()
    RemoteArchive(archive(tmp_path / "empty.zip")).close()


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_bytes(b"no archive, but long enough to look for its directory")
    with pytest.raises(StageError, match=r"PICTURES=file://.*p\.zip: no zip archive"):
        RemoteArchive(f"file://{tmp_path}/p.zip")


def test_a_damaged_entry_is_a_bad_picture_and_a_failing_storage_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.zip"
    archive(path, b"one" * 10_000, b"two" * 10_000)  # more than is kept of what was read
    path.write_bytes(path.read_bytes().replace(b"twotwo", b"twotwO", 1))
    remote = RemoteArchive(f"file://{path}")
    assert remote.of(ROWS) == [Picture(True, b"one" * 10_000), Picture(True, None)]

    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(remote._file, "read", broken)
    with pytest.raises(pictures._Fault, match=r"PICTURES=file://.*Input/output error"):
        remote.of(ROWS)
    remote.close()


def test_each_table_has_the_archive_of_its_name() -> None:
    archives = [File(f"s3://shop/{name}.zip", 1, "1") for name in ("a", "b")]
    assert archive_of("s3://shop/tables/b.parquet", archives) == "s3://shop/b.zip"
    assert archive_of("s3://shop/c.csv", archives[:1]) == "s3://shop/a.zip"
    with pytest.raises(StageError, match=r"c\.csv has no archive of its name.*such as c\.zip"):
        archive_of("s3://shop/c.csv", archives)


def of(folder: str, *addresses: str) -> list[Picture]:
    return Addressed(folder).of(pd.DataFrame({"picture": addresses}))


def test_pictures_are_read_at_their_addresses(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jpg").write_bytes(b"a")
    (tmp_path / "in/empty.jpg").touch()
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    folder = f"file://{tmp_path}/in/"
    found = of(folder, "a.jpg", f"{folder}a.jpg", "", "gone.jpg", "a.jpg/b.jpg", ".", "empty.jpg")
    assert [picture.content for picture in found] == [b"a", b"a", None, None, None, None, b""]
    assert [picture.named for picture in found] == [True, True, False, True, True, True, True]


def test_what_lies_outside_of_the_folder_is_never_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    folder = f"file://{tmp_path}/in/"
    outside = (
        *("../secret.jpg", f"{tmp_path}/secret.jpg", f"file://{tmp_path}/secret.jpg"),
        *(f"{folder}../secret.jpg", f"file://{tmp_path}/in/../secret.jpg", "http://127.0.0.1/"),
        *(f"{folder}/{tmp_path}/secret.jpg", f"{folder}file://{tmp_path}/secret.jpg"),
    )
    assert of(folder, *outside) == [Picture(True, None)] * len(outside)


def test_a_storage_that_fails_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: object, paths: list[str], *_: Any, **__: Any) -> list[Exception]:
        return [PermissionError("Forbidden") for _ in paths]

    monkeypatch.setattr(fsspec.filesystem("memory").__class__, "cat_ranges", broken)
    with pytest.raises(StageError, match=r"PICTURES: memory:///shop/a\.jpg: Forbidden"):
        of("memory://shop/", "a.jpg")


def test_no_more_of_a_picture_is_read_than_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MAX_BYTES", 10)
    (tmp_path / "a.jpg").write_bytes(b"x" * 1000)
    [picture] = of(f"file://{tmp_path}/", "a.jpg")
    assert picture.content == b"x" * 11
