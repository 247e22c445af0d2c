"""The pictures of a catalogue, wherever they are: in archives, or each at an address of its own.

A picture that is not there, or is none, is a bad picture, and the product is answered without it.
A storage that fails is something else: it stops, for another answer would come of it.
"""

from __future__ import annotations

import errno
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from serving.listing.heads import MAX_BYTES
from stages.commands.batch.answer_rows import Archived, Picture
from stages.commands.batch.distributed.storage import File, filesystem
from stages.common.output import StageError
from stages.pictures.archive import PictureArchive

ZIP = ".zip"
COLUMN = "picture"
"""Column with the address of a product's picture, whole or from PICTURES on."""

_ABSENT = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
_BLOCK = 2**20
"""Bytes of an archive that are fetched at once; neighbours in it are read together."""


def archive_of(table: str, archives: Sequence[File]) -> str:
    """The archive with the pictures of `table`: the only one, or the one called like it.

    Raises StageError when there is none.
    """
    if len(archives) == 1:
        return archives[0].address
    for archive in archives:
        if PurePosixPath(archive.address).stem == PurePosixPath(table).stem:
            return archive.address
    raise StageError(
        f"PICTURES: {table} has no archive of its name; expected one archive for all tables, or "
        f"one for each, such as {PurePosixPath(table).stem}{ZIP}"
    )


class RemoteArchive(Archived):
    """An archive at an address."""

    def __init__(self, address: str) -> None:
        """Raises StageError when it is no archive."""
        fs, path = filesystem(address)
        self._file = fs.open(path, "rb", block_size=_BLOCK)
        try:
            watched = io.BufferedReader(_StorageFile(self._file, address))
            super().__init__(PictureArchive(Path(address), watched))
        except zipfile.BadZipFile as error:
            raise StageError(f"PICTURES={address}: no zip archive: {error}") from error

    def close(self) -> None:
        """Close it."""
        self._file.close()


class Addressed:
    """Pictures below a folder, each at the address that the table says. Others are not looked at:
    whoever fills a table must not have a worker read, or ask, what he pleases."""

    def __init__(self, folder: str) -> None:
        self._fs, path = filesystem(folder)
        self._path = path.rstrip("/") + "/"
        self._folder = folder

    def of(self, rows: pd.DataFrame) -> list[Picture]:
        """Raises StageError when the storage fails."""
        named = [str(address) for address in rows[COLUMN]]
        paths = [self._inside(address) for address in named]
        there = list(dict.fromkeys(path for path in paths if path))
        contents = self._fs.cat_ranges(
            there, [0] * len(there), [MAX_BYTES + 1] * len(there), on_error="return"
        )
        content_by_path = dict(zip(there, contents, strict=True))
        return [
            Picture(bool(address), self._content(path, content_by_path[path]) if path else None)
            for address, path in zip(named, paths, strict=True)
        ]

    def _inside(self, address: str) -> str:
        """The path of a picture; "" for one that is not below the folder."""
        path = address.removeprefix(self._folder)
        if not path or "://" in path or path.startswith("/") or ".." in path.split("/"):
            return ""
        return self._path + path

    def _content(self, path: str, content: Any) -> bytes | None:
        if isinstance(content, _ABSENT):
            return None
        if isinstance(content, OSError) and content.errno == errno.EINVAL:
            return b""  # S3 gives no range of what is empty
        if isinstance(content, Exception):
            raise StageError(f"PICTURES: {self._fs.unstrip_protocol(path)}: {content}")
        return bytes(content)


class _Fault(Exception):
    """What the storage said; no OSError, which an archive takes for a damaged entry."""


class _StorageFile(io.RawIOBase):
    """A file whose failing reads cannot be mistaken for damage of what it holds."""

    def __init__(self, file: Any, address: str) -> None:
        super().__init__()
        self._file = file
        self._address = address

    def readinto(self, buffer: Any, /) -> int:
        try:
            content = self._file.read(len(buffer))
        except Exception as error:
            raise _Fault(f"PICTURES={self._address}: {error}") from error
        buffer[: len(content)] = content
        return len(content)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = 0, /) -> int:
        try:
            return int(self._file.seek(place, whence))
        except ValueError as error:  # what zipfile foresees of a file too short is this
            raise OSError(str(error)) from error

    def tell(self) -> int:
        return int(self._file.tell())
