"""Files at the root of a Hugging Face repository: a catalogue's, or those of a pretrained model.

The hub client finds the file, authenticates and reads the answers; the bytes are appended to our
own partial file. The client's `hf_hub_download` deletes its partial file when it gives up, which
would throw away up to 2.5 GB, and does not notice a file that was damaged on the disk.

Taken from the environment, as by the client itself: HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    get_session,
    hf_hub_url,
    hf_raise_for_status,
)

# Two names are to be had there without being marked as exports: HTTPError, the base of all errors
# of the client's HTTP library (which one that is depends on its version), and build_hf_headers.
from huggingface_hub.errors import (  # type: ignore[attr-defined]
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    OfflineModeIsEnabled,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from stages.common.paths import FILES
from stages.sources import transfer
from stages.sources.transfer import DOWNLOADS, Interrupted, RangesRefused, SourceError

TIMEOUT_SECONDS = 30.0  # without a byte

# The hub's ETag is the sha256 of a large file and git's object name of a small one.
_CONTENT_HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")

# The environment variable of this name is read at import, this at every request.
constants.HF_HUB_DISABLE_TELEMETRY = True


@dataclass(frozen=True)
class Repository:
    """The `files` that are wanted of a repository at a revision; `key` is the section of the
    configuration that names it."""

    kind: Literal["dataset", "model"]
    name: str
    revision: str
    files: tuple[str, ...]
    key: str

    def url(self, file: str) -> str:
        """Where a file of it is to be had."""
        endpoint = os.environ.get("HF_ENDPOINT", constants.ENDPOINT).rstrip("/")
        return hf_hub_url(
            self.name, file, repo_type=self.kind, revision=self.revision, endpoint=endpoint
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.name} at revision {self.revision}"


def catalogue(name: str, revision: str) -> Repository:
    """A dataset repository with the four files."""
    return Repository("dataset", name, revision, FILES, "data")


def fetch(repository: Repository, sha256: Mapping[str, str], downloads: Path = DOWNLOADS) -> Path:
    """Download the files of a repository; returns the folder below `downloads` that holds them.

    `sha256` maps file names to hashes; a file without one is held to the hub's own.

    Raises SourceError: a file is not there or not accessible, the hub keeps failing, or the
    content has the wrong hash.
    """
    transfer.refuse_unknown_names(sha256, repository.files, repository.key)
    folder = downloads / repository.name.replace("/", "--") / repository.revision.replace("/", "--")
    for name in repository.files:
        transfer.download(name, folder, partial(_describe, repository, name), sha256.get(name))
    return folder


def fetch_catalogue(
    name: str,
    revision: str,
    sha256: Mapping[str, str],
    destination: Path,
    downloads: Path = DOWNLOADS,
) -> None:
    """Download the four files of a dataset repository and copy them into `destination`.

    Raises SourceError, as `fetch`.
    """
    transfer.place(fetch(catalogue(name, revision), sha256, downloads), destination)


def pinned(repository: Repository) -> tuple[str, dict[str, str]]:
    """The commit that the revision names now, and the sha256 of each file: the hub tells that of a
    large file, a small one is read.

    Raises SourceError: a file is not there or not accessible, or the hub fails or tells no commit.
    """
    commits, hashes = set(), {}
    for name in repository.files:
        try:
            metadata = get_hf_file_metadata(repository.url(name))
        except (HTTPError, OSError, HFValidationError) as error:
            raise SourceError(str(_explained(error, repository, name))) from error
        commits.add(metadata.commit_hash)
        etag = metadata.etag or ""
        is_sha256 = len(etag) == 64 and _CONTENT_HASH.fullmatch(etag)
        hashes[name] = etag if is_sha256 else _sha256(repository, name)
    commit = commits.pop()
    if commits or commit is None:
        raise SourceError(f"{repository}: the hub tells no one commit of it")
    return commit, hashes


def _sha256(repository: Repository, name: str) -> str:
    digest = hashlib.sha256()
    try:
        for block in _read(repository, name, 0):
            digest.update(block)
    except Interrupted as error:
        raise SourceError(str(error)) from error
    return digest.hexdigest()


def _describe(repository: Repository, name: str) -> transfer.Remote:
    try:
        url = repository.url(name)
        metadata = get_hf_file_metadata(url)
    except (HTTPError, OSError, HFValidationError) as error:
        raise _explained(error, repository, name) from error
    etag = metadata.etag
    return transfer.Remote(
        address=transfer.public(url),
        size=metadata.size,
        validators={"ETag": etag} if etag else {},
        digest=etag if etag and _CONTENT_HASH.fullmatch(etag) else None,
        read=partial(_read, repository, name),
    )


def _read(repository: Repository, name: str, start: int) -> Iterator[bytes]:
    """The file's bytes from `start` on, over plain HTTP: a transfer over xet cannot be resumed."""
    headers = {"Accept-Encoding": "identity"}  # offsets count the file's own bytes
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        with get_session().stream(
            "GET",
            repository.url(name),
            headers=build_hf_headers(headers=headers),
            timeout=TIMEOUT_SECONDS,
            follow_redirects=True,
        ) as response:
            if start and response.status_code == 416:
                raise RangesRefused
            hf_raise_for_status(response)
            content_range = response.headers.get("Content-Range")
            if start and not transfer.continues_at(start, response.status_code, content_range):
                raise RangesRefused
            yield from response.iter_bytes()
    except (HTTPError, OSError) as error:
        raise _explained(error, repository, name) from error


def _explained(error: Exception, repository: Repository, name: str) -> SourceError | Interrupted:
    """What a failure means for the person who configured the source."""
    if isinstance(error, HFValidationError):
        return SourceError(f"{repository.key}: {repository.name!r} names no repository: {error}")
    what = f"{name} of {repository}"
    where = transfer.public(repository.url(name))
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    if isinstance(error, OfflineModeIsEnabled):
        return SourceError(f"{what}: HF_HUB_OFFLINE is set, so {where} was not asked")
    if isinstance(error, RevisionNotFoundError):
        return SourceError(f"{what}: no such revision ({where}); check {repository.key}.revision")
    if isinstance(error, EntryNotFoundError):
        return SourceError(
            f"{what}: no such file ({where}); expected {', '.join(repository.files)} at the "
            "repository's root"
        )
    if status in (401, 403):
        return SourceError(
            f"{what}: {where} answered {status}. The repository is gated or private, or there is "
            f"none of this name: check {repository.key}, accept the repository's terms if it has "
            "any, and put a token that may read it into HF_TOKEN."
        )
    if status in (404, 410):
        return SourceError(
            f"{what}: no such {repository.kind} repository ({where}); check {repository.key}"
        )
    if status is not None and 400 <= status < 500 and status not in (408, 429):
        return SourceError(f"{what}: {where} answered {status}")
    reason = f"answered {status}" if status else f"failed ({type(error).__name__}: {error})"
    return Interrupted(f"{what}: {where} {transfer.public(reason)}")
