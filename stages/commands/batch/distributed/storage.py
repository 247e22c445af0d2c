"""Files at an fsspec address: which there are, which version of each, and writing one whole."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import fsspec

from stages.common.output import StageError

PARTIAL = ".partial"
"""How the name of a file ends that is being written."""


@dataclass(frozen=True)
class File:
    """A file by its whole address; `version` changes when its content does."""

    address: str
    size: int
    version: str


@contextmanager
def storage_errors(setting: str) -> Iterator[None]:
    """Raise what goes wrong with the storage as a StageError that begins with `setting`."""
    try:
        yield
    except StageError:
        raise
    except Exception as error:  # every storage has errors of its own
        raise StageError(f"{setting}: {str(error) or type(error).__name__}") from error


def filesystem(address: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of an address, and the path there."""
    fs, path = fsspec.url_to_fs(address)
    return fs, str(path)


def whole(address: str) -> str:
    """The address of a folder with its protocol, which every host understands alike."""
    fs, path = filesystem(address)
    return str(fs.unstrip_protocol(path)).rstrip("/")


def files(address: str, suffixes: tuple[str, ...]) -> list[File]:
    """The files at an address (a file, a folder or a pattern with `*`) that end with one of
    `suffixes`, by name."""
    fs, path = filesystem(address)
    if "*" in path:
        paths = fs.glob(path)
    elif path.endswith(suffixes):
        paths = [path]
    else:
        paths = fs.ls(path, detail=False)
    return [
        File(fs.unstrip_protocol(name), int(fs.info(name)["size"]), f"{fs.checksum(name):x}")
        for name in sorted(map(str, paths))
        if name.endswith(suffixes)
    ]


def sizes(address: str) -> dict[str, int]:
    """Bytes of each file in the folder at `address`, by its name; none where there is no folder."""
    fs, path = filesystem(address)
    fs.invalidate_cache()
    if not fs.isdir(path):
        return {}
    return {
        str(entry["name"]).rpartition("/")[2]: int(entry["size"])
        for entry in fs.ls(path, detail=True)
        if entry["type"] == "file"
    }


def write(address: str, content: bytes) -> None:
    """A file that is there whole or not at all, in place of a former one."""
    fs, path = filesystem(address)
    folder, _, name = path.rpartition("/")
    partial = f"{folder}/.{name}.{uuid.uuid4().hex}{PARTIAL}"
    fs.makedirs(folder, exist_ok=True)
    fs.pipe_file(partial, content)
    fs.mv(partial, path)


def sweep(address: str) -> None:
    """Remove from a folder what was being written when its writer was lost."""
    fs, path = filesystem(address)
    for name in sizes(address):
        if name.endswith(PARTIAL):
            fs.rm_file(f"{path}/{name}")
