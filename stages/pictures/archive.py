"""The archive of pictures, read in place: which picture belongs to which product, and its bytes."""

from __future__ import annotations

import lzma
import re
import zipfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, Self

import pandas as pd

from serving.listing.heads import MAX_BYTES
from stages.common.output import StageError

EXTENSIONS = ("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif")
"""How names of pictures end; what is in one is told by its content."""

DAMAGED = (zlib.error, lzma.LZMAError, EOFError, ValueError, RuntimeError, OSError)
"""What reading a damaged entry raises beside zipfile.BadZipFile."""

_NAME = re.compile(
    r"(?:^|/)(?:(image_(?:train|test))/)?image_(\d+)_product_(\d+)\.(?:"
    + "|".join(EXTENSIONS)
    + ")$",
    re.I,
)
_MISNAMED = "not named image_<imageid>_product_<productid>.jpg or .png"
_OUTSIDE = "in no folder image_train or image_test, which the archive has"

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_DEFLATE64 = 9

ANEW = (
    "an archive is made anew, in the folder that holds `images`, with: zip -r images.zip images "
    "(pictures in images/image_train and images/image_test, each called "
    "image_<imageid>_product_<productid>.jpg or .png)"
)
"""How an archive that can be read is made."""

WITHOUT = "Or go on without pictures: -S image=none"
"""What else there is to do where no picture can be used."""


class ArchiveError(StageError):
    """An archive that cannot be worked with."""


class Skipped(NamedTuple):
    """An entry that is not read, and why."""

    entry: str
    reason: str


class PictureArchive:
    """`images.zip`, opened once; entries that are unsafe, absurd or no picture are `skipped`.

    Backslashes separate folders as well, as some programs of Windows write them. Where no entry is
    in a folder of a part, the archive's pictures are those of both. Identifiers are numbers: 007
    is 7, in a table and in a name.
    """

    def __init__(self, path: Path, file: IO[bytes] | None = None) -> None:
        """`file` is what is read, where `path` is not on this machine.

        Raises ArchiveError: two entries of different bytes are called as one picture.
        """
        self.path = path
        self._zip = zipfile.ZipFile(file or path)
        self.skipped: list[Skipped] = []
        self._entries: dict[tuple[str, str, str], zipfile.ZipInfo] = {}
        self._named: dict[str, zipfile.ZipInfo] = {}
        named: list[tuple[re.Match[str], zipfile.ZipInfo]] = []
        for entry in self._zip.infolist():
            name = _plain(entry.filename)
            if name.endswith("/"):
                continue
            match = _NAME.search(name)
            if reason := refusal(entry) or (None if match else _MISNAMED):
                self.skipped.append(Skipped(entry.filename, reason))
            elif match:
                named.append((match, entry))
        self.parted = any(match[1] for match, _ in named)
        """Whether entries are in folders of their parts."""
        for match, entry in named:
            if self.parted and not match[1]:
                self.skipped.append(Skipped(entry.filename, _OUTSIDE))
            else:
                self._claim(entry, (match[1] or "").lower(), match[2], match[3])

    def _claim(self, entry: zipfile.ZipInfo, part: str, imageid: str, productid: str) -> None:
        key = part, _number(imageid), _number(productid)
        first = self._entries.setdefault(key, entry)
        if first is entry:
            self._named[entry.filename] = entry
            return
        if (first.CRC, first.file_size) != (entry.CRC, entry.file_size):
            self._zip.close()
            raise ArchiveError(
                f"{self.path}: {told_apart(first, entry)} are different pictures of one product; "
                "take one of them out (zip -d)"
            )
        self.skipped.append(Skipped(entry.filename, f"the same picture as {first.filename}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def names(self, products: pd.DataFrame, part: str) -> list[str]:
        """The entry of each product in `part` ("image_train" or "image_test"); "" if none.

        It is the one in its column `picture`, where the table has this column, and else the one
        that is called by its identifiers.
        """
        if "picture" in products:
            return [name if name in self._named else "" for name in products["picture"]]
        pairs = zip(products["imageid"], products["productid"], strict=True)
        where = part if self.parted else ""
        entries = (
            self._entries.get((where, _number(image), _number(product))) for image, product in pairs
        )
        return [entry.filename if entry else "" for entry in entries]

    def entries(self, part: str) -> list[str]:
        """All entries of `part`, sorted."""
        where = part if self.parted else ""
        return sorted(e.filename for (found, *_), e in self._entries.items() if found == where)

    def lack(self, part: str) -> str:
        """What is told of an archive without pictures of `part`, by the reasons of what it skips;
        "" where there are some."""
        if self.entries(part):
            return ""
        reasons = Counter(skipped.reason for skipped in self.skipped)
        first = {skipped.reason: skipped.entry for skipped in reversed(self.skipped)}
        told = [f"{n:,} entries: {why}, such as {first[why]}" for why, n in reasons.most_common(3)]
        return (
            f"{self.path} has no picture in {part} that can be read"
            f"{' (' + '; '.join(told) + ')' if told else ''}; {ANEW}"
        )

    def fingerprint(self, name: str) -> str:
        """Equal for equal bytes: length and CRC-32, which the archive's directory already holds; ""
        for ""."""
        if not name:
            return ""
        entry = self._named[name]
        return f"{entry.file_size}-{entry.CRC:08x}"

    def read(self, name: str) -> bytes:
        """The encoded picture; never more than MAX_BYTES + 1 bytes, whatever the entry expands to.

        Raises OSError when the entry is damaged, or none that can be read has the name.
        """
        entry = self._named.get(name)
        if entry is None:
            raise OSError(f"{self.path}: {name}: no entry of this name can be read")
        try:
            with self._zip.open(entry) as file:
                return file.read(MAX_BYTES + 1)
        except (zipfile.BadZipFile, *DAMAGED) as error:
            raise OSError(f"{self.path}: {name}: {error}") from error


def told_apart(first: zipfile.ZipInfo, other: zipfile.ZipInfo) -> str:
    """The names of both entries, and where they lie if these are equal."""
    if first.filename != other.filename:
        return f"{first.filename} and {other.filename}"
    places = (f"{entry.file_size:,} bytes at {entry.header_offset:,}" for entry in (first, other))
    return f"two entries called {first.filename} ({' and '.join(places)})"


def _plain(name: str) -> str:
    return name.replace("\\", "/")


def _number(identifier: object) -> str:
    return str(identifier).lstrip("0")


def refusal(entry: zipfile.ZipInfo) -> str | None:
    """Why an entry of any archive is not read; None if it is."""
    path = PurePosixPath(_plain(entry.filename))
    if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
        return "unsafe path"
    if entry.flag_bits & 0x1:
        return "encrypted"
    if entry.compress_type not in _METHODS:
        name = "Deflate64" if entry.compress_type == _DEFLATE64 else "a method"
        return f"compressed with {name} ({entry.compress_type}) that is not read here"
    if entry.file_size > MAX_BYTES:
        return f"{entry.file_size} bytes; at most {MAX_BYTES}"
    if entry.file_size == 0:
        return "empty"
    return None
