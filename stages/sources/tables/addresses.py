"""Pictures at addresses: fetched from allowed hosts alone, bounded, resumed, verified."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from serving.listing.heads import MAX_BYTES
from stages.common.parallel import in_order
from stages.common.progress import progress
from stages.sources import transfer, url
from stages.sources.transfer import DOWNLOADS, AbsentError, SourceError

AT_ONCE = 8
"""Connections, over all hosts."""

_SHOWN = 5


def is_address(text: str) -> bool:
    """Whether a picture is named by where it lies, and not by a file's name."""
    return "://" in text


def require_allowed(addresses: Sequence[str], hosts: Sequence[str]) -> None:
    """Raise SourceError, before anything is asked, when an address is none of http or https, names
    a user, or lies at a host that is not among `hosts` (with its port, where it has one)."""
    wrong: dict[str, str] = {}
    denied: dict[str, int] = {}
    for address in addresses:
        try:
            parts = urlsplit(address)
            host, port = parts.hostname, parts.port
        except ValueError:
            wrong[address] = "no address"
            continue
        if parts.scheme not in ("http", "https") or not host:
            wrong[address] = "expected https:// or http:// and a host"
        elif "@" in parts.netloc:
            wrong[address] = "names a user"
        elif (place := f"{host}:{port}" if port else host) not in hosts:
            denied[place] = denied.get(place, 0) + 1
    if wrong:
        told = [f"{transfer.public(address)}: {why}" for address, why in wrong.items()]
        raise SourceError(f"addresses of pictures that are not fetched: {'; '.join(told[:_SHOWN])}")
    if denied:
        counts = ", ".join(f"{count:,} at {place}" for place, count in denied.items())
        allowed = ",".join([*hosts, *denied])
        raise SourceError(
            f"pictures lie at hosts that data.pictures.hosts does not allow ({counts}). If "
            f"they may be fetched from there: -S 'data.pictures.hosts=[{allowed}]'"
        )


def fetched(
    expected: Mapping[str, str], downloads: Path = DOWNLOADS
) -> Iterator[tuple[str, Path | None]]:
    """Each address, and the file with what lies there, None where there is none that may be read,
    or a too large one; `expected` maps addresses to the sha256 of their content, or to "".

    Raises SourceError: a host keeps failing, or content has the wrong hash.
    """
    folder = downloads / "pictures"
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = in_order(pool, partial(_fetch, folder), expected.items())
        shown = progress(found, title="pictures", unit="pictures", total=len(expected))
        yield from zip(expected, shown, strict=True)


def _fetch(folder: Path, asked: tuple[str, str]) -> Path | None:
    address, expected = asked
    name = hashlib.sha256(address.encode()).hexdigest()[:32]
    try:
        return transfer.download(name, folder, partial(_describe, address), expected or None)
    except AbsentError:
        return None


def _describe(address: str) -> transfer.Remote:
    """Redirections are not followed: they lead to hosts that nobody allowed."""
    remote = url.describe(address, redirects=False)
    if (remote.size or 0) > MAX_BYTES:
        raise _too_large(address)
    return replace(remote, read=partial(_bounded, remote, address), shown=False)


def _bounded(remote: transfer.Remote, address: str, start: int) -> Iterator[bytes]:
    received = start
    for block in remote.read(start):
        received += len(block)
        if received > MAX_BYTES:
            raise _too_large(address)
        yield block


def _too_large(address: str) -> AbsentError:
    where = transfer.public(address)
    return AbsentError(f"{where} has more than {MAX_BYTES:,} bytes, the most of a picture")
