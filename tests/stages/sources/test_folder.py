"""The folder source: what is missing, what is no catalogue, and what is never touched."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from stages.common.paths import FILES, IMAGES, TRAIN_CODES, TRAIN_PRODUCTS
from stages.sources import folder
from stages.sources.transfer import SourceError
from tests.support.loopback import assert_is_catalogue, write_catalogue


def test_copies_that_share_nothing_with_the_originals(tmp_path: Path) -> None:
    content = write_catalogue(tmp_path / "mine")
    (tmp_path / "mine" / IMAGES).chmod(0o400)
    folder.fetch(tmp_path / "mine", tmp_path / "raw")
    assert_is_catalogue(tmp_path / "raw", content)
    for name in FILES:
        assert not (tmp_path / "raw" / name).samefile(tmp_path / "mine" / name)
        assert not (tmp_path / "raw" / name).is_symlink()
    (tmp_path / "raw" / IMAGES).chmod(0o444)
    (tmp_path / "raw" / TRAIN_CODES).write_bytes(b"")
    assert (tmp_path / "mine" / IMAGES).stat().st_mode & 0o777 == 0o400
    assert (tmp_path / "mine" / TRAIN_CODES).read_bytes() == content[TRAIN_CODES]


def test_copies_where_the_kernel_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = write_catalogue(tmp_path / "mine")

    def refuse(*_: object) -> int:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "copy_file_range", refuse)
    folder.fetch(tmp_path / "mine", tmp_path / "raw")
    assert_is_catalogue(tmp_path / "raw", content)


def test_full_disk_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_catalogue(tmp_path / "mine")
    copy_file_range = os.copy_file_range

    def fill(source: int, target: int, count: int) -> int:
        if os.fstat(target).st_size >= 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return copy_file_range(source, target, min(count, 1000))

    monkeypatch.setattr(os, "copy_file_range", fill)
    with pytest.raises(SourceError, match=r"images\.zip.*No space left"):
        folder.fetch(tmp_path / "mine", tmp_path / "raw")
    assert sorted(path.name for path in (tmp_path / "raw").iterdir()) == sorted(
        set(FILES) - {IMAGES}
    )


def test_missing_files_are_named(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "mine")
    (tmp_path / "mine" / IMAGES).unlink()
    (tmp_path / "mine" / TRAIN_CODES).unlink()
    with pytest.raises(SourceError) as caught:
        folder.fetch(tmp_path / "mine", tmp_path / "raw")
    message = str(caught.value)
    assert f"{tmp_path / 'mine'} lacks {TRAIN_CODES}, {IMAGES};" in message
    assert all(name in message for name in FILES)
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize(
    ("name", "content", "looks_like"),
    [
        (TRAIN_PRODUCTS, b"", "is empty"),
        (TRAIN_PRODUCTS, b"\xef\xbb\xbf <html><body>502</body></html>", "web page"),
        (TRAIN_CODES, b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (IMAGES, b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (IMAGES, b"PK\x03\x04 and then nothing", "no readable zip"),
    ],
)
def test_what_is_no_catalogue_is_told(
    tmp_path: Path, name: str, content: bytes, looks_like: str
) -> None:
    write_catalogue(tmp_path / "mine")
    (tmp_path / "mine" / name).write_bytes(content)
    with pytest.raises(SourceError, match=looks_like) as caught:
        folder.fetch(tmp_path / "mine", tmp_path / "raw")
    assert str(tmp_path / "mine" / name) in str(caught.value)
    assert not (tmp_path / "raw").exists()


def test_truncated_archive_is_told(tmp_path: Path) -> None:
    content = write_catalogue(tmp_path / "mine")
    (tmp_path / "mine" / IMAGES).write_bytes(content[IMAGES][:-100])
    with pytest.raises(SourceError, match="no readable zip"):
        folder.fetch(tmp_path / "mine", tmp_path / "raw")
