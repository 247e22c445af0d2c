"""The archive of pictures, read in place: which picture belongs to which product, and its bytes."""

from __future__ import annotations

import lzma
import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, Self

import pandas as pd

from serving.listing.images import MAX_BYTES

_DAMAGED = (zlib.error, lzma.LZMAError, EOFError, ValueError, RuntimeError, OSError)

_NAME = re.compile(r"(?:^|/)(image_(?:train|test))/image_(\d+)_product_(\d+)\.(?:jpe?g|png)$", re.I)


class Skipped(NamedTuple):
    """An entry that is not read, and why."""

    entry: str
    reason: str


class PictureArchive:
    """`images.zip`, opened once; entries that are unsafe, absurd or no picture are `skipped`."""

    def __init__(self, path: Path, file: IO[bytes] | None = None) -> None:
        """`file` is what is read, where `path` is not on this machine."""
        self.path = path
        self._zip = zipfile.ZipFile(file or path)
        self.skipped: list[Skipped] = []
        self._entries: dict[tuple[str, str, str], zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            if entry.is_dir():
                continue
            reason = _refusal(entry)
            match = _NAME.search(entry.filename)
            if reason or not match:
                reason = reason or "not named image_<imageid>_product_<productid>.jpg or .png"
                self.skipped.append(Skipped(entry.filename, reason))
                continue
            part, imageid, productid = match.groups()
            self._entries[part.lower(), imageid, productid] = entry

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def names(self, products: pd.DataFrame, part: str) -> list[str]:
        """The entry of each product in `part` ("image_train" or "image_test"); "" if none."""
        pairs = zip(products["imageid"], products["productid"], strict=True)
        found = [self._entries.get((part, str(image), str(product))) for image, product in pairs]
        return [entry.filename if entry else "" for entry in found]

    def entries(self, part: str) -> list[str]:
        """All entries of `part`, sorted."""
        return sorted(e.filename for (where, *_), e in self._entries.items() if where == part)

    def fingerprint(self, name: str) -> str:
        """Equal for equal bytes: length and CRC-32, which the archive's directory already holds."""
        entry = self._zip.getinfo(name)
        return f"{entry.file_size}-{entry.CRC:08x}"

    def read(self, name: str) -> bytes:
        """The encoded picture; never more than MAX_BYTES + 1 bytes, whatever the entry expands to.

        Raises OSError when the entry is damaged.
        """
        try:
            with self._zip.open(name) as file:
                return file.read(MAX_BYTES + 1)
        except (zipfile.BadZipFile, *_DAMAGED) as error:
            raise OSError(f"{self.path}: {name}: {error}") from error


def _refusal(entry: zipfile.ZipInfo) -> str | None:
    path = PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename:
        return "unsafe path"
    if entry.flag_bits & 0x1:
        return "encrypted"
    if entry.file_size > MAX_BYTES:
        return f"{entry.file_size} bytes; at most {MAX_BYTES}"
    if entry.file_size == 0:
        return "empty"
    return None
