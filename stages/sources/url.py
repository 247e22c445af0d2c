"""A catalogue below any address that fsspec opens: https, s3, file, and gs where gcsfs is there.

Credentials come from where the filesystem itself takes them (for s3: the AWS_* variables,
AWS_ENDPOINT_URL included) and appear in no message.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from fsspec.core import url_to_fs
from fsspec.implementations.http import HTTPFileSystem
from fsspec.spec import AbstractFileSystem

from stages.common.paths import FILES
from stages.sources import transfer
from stages.sources.transfer import (
    BLOCK,
    DOWNLOADS,
    AbsentError,
    Interrupted,
    RangesRefused,
    SourceError,
)

TIMEOUT_SECONDS = 30.0  # without a byte

# What the http client has buffered is lost when the connection is cut, and it buffers up to twice
# what is asked of it at once.
HTTP_BLOCK = 2**17

# Under these names filesystems report what changes with the content: http, s3, gs, local, memory.
_VALIDATORS = (
    *("ETag", "etag", "Content-MD5", "Digest", "md5Hash"),
    *("Last-Modified", "LastModified", "mtime", "created"),
)


def fetch(
    address: str, sha256: Mapping[str, str], destination: Path, downloads: Path = DOWNLOADS
) -> None:
    """Download the four files below `address` and copy them into `destination`.

    `sha256` maps file names to hashes; a file without one is taken as it comes.

    Raises SourceError: the address cannot be opened, a file is not there or not accessible, the
    server keeps failing, the content has the wrong hash, or it changed on the way.
    """
    transfer.refuse_unknown_names(sha256)
    # Without the query: a signature in it may be renewed between two runs.
    folder = downloads / hashlib.sha256(transfer.public(address).encode()).hexdigest()[:16]
    described = {name: partial(describe, _below(address, name)) for name in FILES}
    for name, described_now in described.items():
        transfer.download(name, folder, described_now, sha256.get(name))
    for name in FILES:
        if name not in sha256:
            transfer.require_unchanged(name, folder, described[name])
    transfer.place(folder, destination)


def require_there(address: str) -> None:
    """Raise SourceError, now and not after some patience, when one of the four files below
    `address` cannot be had."""
    for name in FILES:
        try:
            describe(_below(address, name))
        except Interrupted as error:
            raise SourceError(str(error)) from error


def _below(address: str, name: str) -> str:
    if not _is_http(address):
        return f"{address.rstrip('/')}/{name}"
    parts = urlsplit(address)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))


def _is_http(address: str) -> bool:
    return address.startswith(("http://", "https://"))


def describe(address: str, redirects: bool = True) -> transfer.Remote:
    """The file at an address; where an answer that sends elsewhere is not followed, none is there.

    Raises Interrupted, or SourceError: it cannot be had.
    """
    filesystem, path = _open_filesystem(address, redirects)
    try:
        info = filesystem.info(path)
        if info["type"] != "file":
            raise FileNotFoundError(path)
    except Exception as error:
        raise _explained(error, address) from error
    size = info.get("size")
    return transfer.Remote(
        address=transfer.public(address),
        size=size,
        validators={key: str(info[key]) for key in _VALIDATORS if _is_strong(info.get(key))},
        digest=None,
        read=partial(_read, filesystem, path, address, size),
    )


def _open_filesystem(address: str, redirects: bool) -> tuple[AbstractFileSystem, str]:
    options: dict[str, Any] = {}
    if _is_http(address):
        # The client's own limit is five minutes for a whole answer.
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=TIMEOUT_SECONDS, sock_read=TIMEOUT_SECONDS
        )
        options["allow_redirects"] = redirects
        options["client_kwargs"] = {"timeout": timeout, "trust_env": True}
    try:
        filesystem, path = url_to_fs(address, **options)
    except (ImportError, ValueError) as error:
        raise SourceError(
            f"data.path {transfer.public(address)} cannot be opened: {transfer.public(str(error))}"
        ) from error
    return filesystem, path


def _is_strong(validator: object) -> bool:
    """A weak ETag stays the same when bytes change (RFC 9110, section 8.8.1)."""
    return validator is not None and not str(validator).startswith("W/")


def _read(
    filesystem: AbstractFileSystem, path: str, address: str, size: int | None, start: int
) -> Iterator[bytes]:
    try:
        if isinstance(filesystem, HTTPFileSystem):
            yield from _read_http(filesystem, path, size, start)
        else:
            yield from _read_blocks(filesystem, path, start)
    except RangesRefused:
        raise
    except Exception as error:
        raise _explained(error, address) from error


def _read_http(
    filesystem: HTTPFileSystem, path: str, size: int | None, start: int
) -> Iterator[bytes]:
    """One answer, streamed: the filesystem's own seeking asks for every block anew."""
    headers = {"Accept-Encoding": "identity"}  # offsets count the file's own bytes
    if start:
        headers["Range"] = f"bytes={start}-"
    with filesystem.open(path, "rb", block_size=0, size=size, headers=headers) as stream:
        if 300 <= stream.r.status < 400:
            raise FileNotFoundError(path)
        content_range = stream.r.headers.get("Content-Range")
        if start and not transfer.continues_at(start, stream.r.status, content_range):
            raise RangesRefused
        while block := stream.read(HTTP_BLOCK):
            yield block


def _read_blocks(filesystem: AbstractFileSystem, path: str, start: int) -> Iterator[bytes]:
    with filesystem.open(path, "rb", block_size=BLOCK, cache_type="none") as stream:
        if start:
            try:
                stream.seek(start)
            except (ValueError, NotImplementedError) as error:
                raise RangesRefused from error
        while block := stream.read(BLOCK):
            yield block


def _explained(error: Exception, address: str) -> Exception:
    """What a failure means for the person who configured the source.

    fsspec gives its filesystems' failures no common base, so what is not known to be final
    counts as passing and is tried again, a bounded number of times.
    """
    where = transfer.public(address)
    cause: BaseException = error
    if isinstance(error, FileNotFoundError) and isinstance(
        error.__cause__, aiohttp.ClientError | TimeoutError
    ):
        cause = error.__cause__  # the http filesystem calls every failure "not found"
    status = getattr(cause, "status", None)
    if isinstance(cause, FileNotFoundError) or status in (404, 410):
        return AbsentError(
            f"{where} does not exist; expected {', '.join(FILES)} directly below data.path"
        )
    if isinstance(cause, PermissionError) or status in (401, 403):
        return AbsentError(
            f"{where} may not be read: access denied. Check the credentials the environment holds "
            "for this address (for s3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)."
        )
    if status == 416:
        return RangesRefused()
    if isinstance(status, int) and 400 <= status < 500 and status not in (408, 429):
        return SourceError(f"{where} answered {status}")
    reason = f"answered {status}" if status else f"failed ({type(cause).__name__}: {cause})"
    return Interrupted(f"{where} {transfer.public(reason)}")
