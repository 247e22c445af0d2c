"""Pictures in a folder or a zip archive, found by what a table calls them."""

from __future__ import annotations

import os
import re
import zipfile
from bisect import bisect_left
from collections import defaultdict
from pathlib import Path, PurePosixPath

from serving.listing.heads import MAX_BYTES
from stages.pictures.archive import DAMAGED, EXTENSIONS, refusal, told_apart
from stages.sources.transfer import SourceError

_EXTENSION = re.compile(rf"\.(?:{'|'.join(EXTENSIONS)})$", re.I)


class Files:
    """The files below one place: `names` by their paths in it, and `refused`, with the reason."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: list[str] = []
        self.refused: dict[str, str] = {}
        self._by_key: dict[int, dict[str, list[str]]] = {}
        self._ordered: dict[int, list[str]] = {}

    def read(self, name: str) -> bytes:
        """A file of MAX_BYTES at most. Raises OSError when it is damaged."""
        raise NotImplementedError

    def find(self, wanted: str) -> str:
        """The file whose path ends in `wanted`; "" if there is none.

        Its extension may be left out, and its case counts only where names differ in nothing else.

        Raises SourceError: two files of different content claim the name.
        """
        wanted = _plain(wanted)
        keys = self._keys(wanted.count("/") + 1)
        found = keys.get(wanted.casefold(), [])
        tails = {name: _tail(name, wanted.count("/") + 1) for name in found}
        for alike in (str, _bare, str.casefold):
            if chosen := [name for name in found if alike(tails[name]) == alike(wanted)]:
                return self._only(chosen, wanted)
        return self._only(found, wanted) if found else ""

    def _keys(self, depth: int) -> dict[str, list[str]]:
        """The files by the last `depth` parts of their paths in lower case, and by these without
        the extension of a picture."""
        if depth not in self._by_key:
            keys: dict[str, list[str]] = defaultdict(list)
            for name in self.names:
                tail = _tail(name, depth).casefold()
                for key in {tail, _bare(tail)}:
                    keys[key].append(name)
            self._by_key[depth] = dict(keys)
        return self._by_key[depth]

    def first(self, wanted: str) -> str:
        """The first by name of the files that `find` would find for one of the names that `wanted`
        stands for: a * in it is anything within a name. Raises SourceError, as `find` does."""
        wanted = _plain(wanted).casefold()
        depth = wanted.count("/") + 1
        keys = self._keys(depth)
        if depth not in self._ordered:
            self._ordered[depth] = sorted(keys)
        ordered = self._ordered[depth]
        pattern = re.compile("[^/]*".join(map(re.escape, wanted.split("*"))))
        start = wanted.partition("*")[0]
        for key in ordered[bisect_left(ordered, start) :]:
            if not key.startswith(start):
                break
            if pattern.fullmatch(key):
                return self._only(keys[key], wanted)
        return ""

    def _only(self, found: list[str], wanted: str) -> str:
        first, *others = [name for name in found if name == wanted] or found
        content = self.read(first) if others else b""
        for other in others:
            if self.read(other) != content:
                raise SourceError(
                    f"{self.path}: {first} and {other} are different pictures that claim one name, "
                    f"{wanted}; take one of them out, or name the folder too"
                )
        return first


def _tail(name: str, depth: int) -> str:
    return "/".join(PurePosixPath(name.replace("\\", "/")).parts[-depth:])


def _bare(name: str) -> str:
    return _EXTENSION.sub("", name)


def _plain(name: str) -> str:
    return re.sub(r"/+", "/", name.replace("\\", "/")).removeprefix("./").strip("/")


class Folder(Files):
    """A folder, and all below it; links that lead out of it are not followed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        root = path.resolve()
        for folder, folders, names in os.walk(path):
            folders.sort()
            for name in sorted(names):
                file = Path(folder, name)
                inside = file.relative_to(path).as_posix()
                if reason := _refused(file, root):
                    self.refused[inside] = reason
                else:
                    self.names.append(inside)

    def read(self, name: str) -> bytes:
        with (self.path / name).open("rb") as file:
            return file.read(MAX_BYTES + 1)


def _refused(file: Path, root: Path) -> str:
    if not file.resolve().is_relative_to(root):
        return "a link that leads elsewhere"
    if not file.is_file():
        return "no file"
    size = file.stat().st_size
    if size > MAX_BYTES:
        return f"{size} bytes; at most {MAX_BYTES}"
    return "" if size else "empty"


class Archive(Files):
    """A zip archive, read in place."""

    def __init__(self, path: Path) -> None:
        """Raises SourceError: it cannot be read, or has one name twice for different content."""
        super().__init__(path)
        self._entries: dict[str, zipfile.ZipInfo] = {}
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, *DAMAGED) as error:
            raise SourceError(f"{path} is no readable zip archive: {error}") from error
        for entry in self._zip.infolist():
            if entry.is_dir():
                continue
            if reason := refusal(entry):
                self.refused[entry.filename] = reason
                continue
            first = self._entries.setdefault(entry.filename, entry)
            if (first.CRC, first.file_size) != (entry.CRC, entry.file_size):
                raise SourceError(
                    f"{path}: {told_apart(first, entry)} are different pictures that claim one name"
                )
        self.names = sorted(self._entries)

    def read(self, name: str) -> bytes:
        try:
            with self._zip.open(self._entries[name]) as file:
                return file.read(MAX_BYTES + 1)
        except (zipfile.BadZipFile, *DAMAGED) as error:
            raise OSError(f"{self.path}: {name}: {error}") from error


def opened(path: Path) -> Files:
    """The pictures at `path`, a folder or an archive. Raises SourceError: it is neither."""
    return Folder(path) if path.is_dir() else Archive(path)


def extension(name: str) -> str:
    """How the name of a picture ends, in lower case and without the dot; jpg where it says none."""
    found = _EXTENSION.search(name)
    return found[0][1:].lower() if found else "jpg"
