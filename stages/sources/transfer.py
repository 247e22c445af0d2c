"""The four files every source delivers, and what the sources share: fetch, verify, place.

A download goes to a folder that outlives the run, never straight into the stage's output:
`<name>.partial` grows there, `<name>.json` beside it records which version of the remote file it
is a part of, and `<name>` appears once the file is whole and its hash is right.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Never, TypeVar

from tqdm import tqdm

from stages.common.output import StageError
from stages.common.paths import FILES
from stages.common.progress import progress

DOWNLOADS = Path("data/download")  # beside the stage's output, so that DVC never deletes it

ATTEMPTS = 5  # in a row without a single new byte; any new byte starts the count again
BACKOFF_SECONDS = 1.0  # before the second attempt, doubled before every further one
BLOCK = 8 * 2**20

# What a failed copy inside the kernel answers where two filesystems cannot do it together;
# copy_file_range(2), section ERRORS.
_NO_KERNEL_COPY = {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM}

T = TypeVar("T")


class SourceError(StageError):
    """The catalogue cannot be had; the message says which file, from where, and what to do."""


class AbsentError(SourceError):
    """There is no such file, or it may not be read."""


class Interrupted(Exception):
    """The remote end failed in a way that may pass: a cut connection, a 5xx answer, a timeout."""


class RangesRefused(Exception):
    """The remote end will not send the rest of a file, only the whole of it."""


@dataclass(frozen=True)
class Remote:
    """One remote file, as its server describes it now."""

    address: str
    """For messages: without user, password and query."""
    size: int | None
    """In bytes; None when the server does not say."""
    validators: Mapping[str, str]
    """What changes when the content does: ETag, Last-Modified, … (RFC 9110, section 8.8)."""
    digest: str | None
    """The server's own hash of the content: a sha256, or a git blob's sha1."""
    read: Callable[[int], Iterator[bytes]]
    """The content from an offset on. Raises RangesRefused, Interrupted or SourceError."""
    shown: bool = True
    """Whether its progress is: it is one of a few files, not of thousands."""


def public(text: str) -> str:
    """An address, or a text that holds some, without user, password and query."""
    return re.sub(r"\?[^\s'\")>]*", "", re.sub(r"://[^/\s]*@", "://", text))


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_blob_sha1(path: Path) -> str:
    """Hexadecimal object name that git gives the file's content (Pro Git, "Git Objects")."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def refuse_unknown_names(
    sha256: Mapping[str, str], names: Sequence[str] = FILES, key: str = "data"
) -> None:
    """Raise SourceError for a configured hash that belongs to none of the files."""
    if unknown := sorted(set(sha256) - set(names)):
        raise SourceError(
            f"{key}.sha256 names {', '.join(unknown)}; expected only {', '.join(names)}"
        )


def continues_at(start: int, status: int, content_range: str | None) -> bool:
    """Whether an HTTP answer is the part that was asked for (RFC 9110, sections 14.4, 15.3.7)."""
    return status == 206 and (content_range or "").startswith(f"bytes {start}-")


def download(name: str, folder: Path, describe: Callable[[], Remote], expected: str | None) -> Path:
    """Bring one remote file into `folder`, continuing what an earlier run began.

    `describe` asks the server about the file; `expected` is the configured sha256, before which
    the server's own digest steps back. A file that is already there is hashed and taken if it is
    right; one that is not right is fetched again, once.

    Raises SourceError: the remote end refuses, keeps failing, or delivers wrong content twice.
    """
    folder.mkdir(parents=True, exist_ok=True)
    finished, partial, record = (folder / f"{name}{end}" for end in ("", ".partial", ".json"))
    if expected and finished.is_file() and sha256(finished) == expected:
        return finished
    remote = _persistently(describe, partial)
    if finished.is_file():
        known = expected or remote.digest or _recorded_digest(record, remote)
        if known and _digest(finished, known) == known:
            return finished
        print(f"{name}: {finished} is not the file at {remote.address}; fetching it again")
        finished.unlink()

    for _ in range(2):
        remote = _persistently(lambda: _complete(partial, record, describe()), partial)
        wanted = expected or remote.digest
        actual = _digest(partial, wanted)
        if wanted in (None, actual):
            _write_record(record, remote, actual)
            partial.replace(finished)
            return finished
        print(f"{name}: the content from {remote.address} has the wrong hash; discarded")
        partial.unlink()
    raise SourceError(
        f"{name} from {remote.address} is not what was expected, also when fetched again: "
        f"expected hash {wanted}, received {actual}. Check data.sha256, or whether something on "
        "the way alters the file."
    )


def require_unchanged(name: str, folder: Path, describe: Callable[[], Remote]) -> None:
    """Raise SourceError when the server has another version of a file than the one in `folder`.

    DVC asks the server only after the stage, and would take what it says then for what was read.
    """
    remote = _persistently(describe, folder / f"{name}.partial")
    if _read_record(folder / f"{name}.json").get("remote") != _identity(remote):
        raise SourceError(
            f"{name}: {remote.address} changed while the catalogue was fetched; run it again"
        )


def place(folder: Path, destination: Path) -> None:
    """Copy the four files of `folder` into `destination`, once all of them look right.

    Copies, not links: DVC makes what it caches read-only and may link it into its cache, which
    must not happen to an inode that somebody may write to. Where the filesystem shares blocks
    between copies (btrfs, xfs), so does this.

    Raises SourceError: a file is no catalogue file, cannot be read, or cannot be written.
    """
    check(folder)
    destination.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        _copy(folder / name, destination / name)


def check(folder: Path) -> None:
    """Tell the four files from what downloads leave in their stead.

    Raises SourceError: a file is empty, a Git LFS pointer or a web page, or no readable zip.
    """
    for name in FILES:
        path = folder / name
        try:
            problem = _problem(path)
        except OSError as error:
            problem = f"cannot be read: {error.strerror}"
        if problem:
            raise SourceError(f"{path} {problem}")


def _problem(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(512).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not head:
        return "is empty"
    if head.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the file it points to; `git lfs pull` fetches that"
    if head.startswith((b"<!doctype", b"<html")):
        return "is a web page, probably an error or login page saved under this name"
    if path.suffix == ".zip":
        try:
            with zipfile.ZipFile(path):  # reads the central directory
                pass
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            return f"is no readable zip archive: {error}"
    return None


def _copy(source: Path, target: Path) -> None:
    partial = target.with_name(f".{target.name}.partial")
    try:
        with (
            source.open("rb") as reader,
            partial.open("wb") as writer,
            _progress(source.name, source.stat().st_size, 0) as done,
        ):
            try:
                while copied := os.copy_file_range(reader.fileno(), writer.fileno(), BLOCK):
                    done.update(copied)
            except OSError as error:
                if error.errno not in _NO_KERNEL_COPY:
                    raise
                done.reset()
                _copy_through_memory(reader, writer, done)
        partial.replace(target)
    except OSError as error:
        raise SourceError(f"cannot copy {source} to {target}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def _copy_through_memory(reader: BinaryIO, writer: BinaryIO, done: tqdm[Never]) -> None:
    reader.seek(0)
    writer.seek(0)
    writer.truncate()
    while block := reader.read(BLOCK):
        writer.write(block)
        done.update(len(block))


def _persistently(work: Callable[[], T], partial: Path) -> T:
    """Repeat work that was interrupted, for as long as it makes headway."""
    furthest, failures = _size(partial), 0
    while True:
        try:
            return work()
        except Interrupted as error:
            failures = 1 if _size(partial) > furthest else failures + 1
            furthest = max(furthest, _size(partial))
            if failures == ATTEMPTS:
                raise SourceError(
                    f"{error}. Gave up after {ATTEMPTS} attempts; what was downloaded is kept in "
                    f"{partial.parent} and continued from: try again later."
                ) from error
            time.sleep(BACKOFF_SECONDS * 2 ** (failures - 1))


def _complete(partial: Path, record: Path, remote: Remote) -> Remote:
    """Append to the partial file what is missing, or begin anew when the remote has changed."""
    same = _read_record(record).get("remote") == _identity(remote)
    start = _size(partial) if same and remote.validators else 0
    if remote.size is not None and start > remote.size:
        start = 0
    _write_record(record, remote, digest=None)
    if start == 0 or start != remote.size:
        try:
            _append(partial, remote, start)
        except RangesRefused:
            _append(partial, remote, 0)
    received = _size(partial)
    if remote.size is not None and received != remote.size:
        if received > remote.size:
            partial.unlink()
        raise Interrupted(
            f"{remote.address}: the transfer ended at {received:,} of {remote.size:,} bytes"
        )
    return remote


def _append(partial: Path, remote: Remote, start: int) -> None:
    if start:
        print(f"{partial.stem}: continuing at {start:,} bytes")
    try:
        with (
            partial.open("ab" if start else "wb") as writer,
            _progress(partial.stem, remote.size, start, remote.shown) as done,
        ):
            for block in remote.read(start):
                writer.write(block)
                done.update(len(block))
    except OSError as error:
        raise SourceError(f"cannot write {partial}: {error.strerror}") from error


def _progress(name: str, size: int | None, start: int, shown: bool = True) -> tqdm[Never]:
    return progress(
        title=name,
        unit="B",
        total=size,
        initial=start,
        unit_scale=True,
        unit_divisor=1024,
        disable=not shown,
    )


def _digest(path: Path, like: str | None) -> str:
    """The hash of the kind that `like` is: a git blob's sha1 for 40 digits, otherwise a sha256."""
    return git_blob_sha1(path) if like and len(like) == 40 else sha256(path)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _identity(remote: Remote) -> dict[str, object]:
    return {"size": remote.size, **remote.validators}


def _recorded_digest(record: Path, remote: Remote) -> str | None:
    """The hash at the end of the download, if the remote has not changed since."""
    known = _read_record(record)
    if not remote.validators or known.get("remote") != _identity(remote):
        return None
    digest = known.get("digest")
    return digest if isinstance(digest, str) else None


def _read_record(record: Path) -> dict[str, object]:
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write_record(record: Path, remote: Remote, digest: str | None) -> None:
    text = json.dumps({"remote": _identity(remote), "digest": digest}, indent=2)
    record.write_text(text + "\n", encoding="utf-8")
