"""A catalogue at the root of a Hugging Face dataset repository.

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
class _File:
    """One file of a dataset repository."""

    repository: str
    revision: str
    name: str

    @property
    def url(self) -> str:
        endpoint = os.environ.get("HF_ENDPOINT", constants.ENDPOINT).rstrip("/")
        return hf_hub_url(
            self.repository,
            self.name,
            repo_type="dataset",
            revision=self.revision,
            endpoint=endpoint,
        )


def fetch(
    repository: str,
    revision: str,
    sha256: Mapping[str, str],
    destination: Path,
    downloads: Path = DOWNLOADS,
) -> None:
    """Download the four files of a dataset repository and copy them into `destination`.

    `sha256` maps file names to hashes; a file without one is held to the hub's own.

    Raises SourceError: a file is not there or not accessible, the hub keeps failing, or the
    content has the wrong hash.
    """
    transfer.refuse_unknown_names(sha256)
    folder = downloads / repository.replace("/", "--") / revision.replace("/", "--")
    for name in FILES:
        describe = partial(_describe, _File(repository, revision, name))
        transfer.download(name, folder, describe, sha256.get(name))
    transfer.place(folder, destination)


def pinned(repository: str, revision: str) -> tuple[str, dict[str, str]]:
    """The commit that `revision` names now, and the sha256 of each of the four files: the hub tells
    that of a large file, a small one is read.

    Raises SourceError: a file is not there or not accessible, or the hub fails or tells no commit.
    """
    commits, hashes = set(), {}
    for name in FILES:
        file = _File(repository, revision, name)
        try:
            metadata = get_hf_file_metadata(file.url)
        except (HTTPError, OSError, HFValidationError) as error:
            raise SourceError(str(_explained(error, file))) from error
        commits.add(metadata.commit_hash)
        etag = metadata.etag or ""
        is_sha256 = len(etag) == 64 and _CONTENT_HASH.fullmatch(etag)
        hashes[name] = etag if is_sha256 else _sha256(file)
    commit = commits.pop()
    if commits or commit is None:
        raise SourceError(f"dataset {repository} at {revision}: the hub tells no one commit of it")
    return commit, hashes


def _sha256(file: _File) -> str:
    digest = hashlib.sha256()
    try:
        for block in _read(file, 0):
            digest.update(block)
    except Interrupted as error:
        raise SourceError(str(error)) from error
    return digest.hexdigest()


def _describe(file: _File) -> transfer.Remote:
    try:
        url = file.url
        metadata = get_hf_file_metadata(url)
    except (HTTPError, OSError, HFValidationError) as error:
        raise _explained(error, file) from error
    etag = metadata.etag
    return transfer.Remote(
        address=transfer.public(url),
        size=metadata.size,
        validators={"ETag": etag} if etag else {},
        digest=etag if etag and _CONTENT_HASH.fullmatch(etag) else None,
        read=partial(_read, file),
    )


def _read(file: _File, start: int) -> Iterator[bytes]:
    """The file's bytes from `start` on, over plain HTTP: a transfer over xet cannot be resumed."""
    headers = {"Accept-Encoding": "identity"}  # offsets count the file's own bytes
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        with get_session().stream(
            "GET",
            file.url,
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
        raise _explained(error, file) from error


def _explained(error: Exception, file: _File) -> SourceError | Interrupted:
    """What a failure means for the person who configured the source."""
    if isinstance(error, HFValidationError):
        return SourceError(f"data.path {file.repository!r} names no repository: {error}")
    what = f"{file.name} of dataset {file.repository} at revision {file.revision}"
    where = transfer.public(file.url)
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    if isinstance(error, OfflineModeIsEnabled):
        return SourceError(f"{what}: HF_HUB_OFFLINE is set, so {where} was not asked")
    if isinstance(error, RevisionNotFoundError):
        return SourceError(f"{what}: no such revision ({where}); check data.revision")
    if isinstance(error, EntryNotFoundError):
        return SourceError(
            f"{what}: no such file ({where}); expected {', '.join(FILES)} at the repository's root"
        )
    if status in (401, 403):
        return SourceError(
            f"{what}: {where} answered {status}. The repository is gated or private, or there is "
            "none of this name: check data.path, accept the repository's terms if it has any, and "
            "put a token that may read it into HF_TOKEN."
        )
    if status in (404, 410):
        return SourceError(f"{what}: no such dataset repository ({where}); check data.path")
    if status is not None and 400 <= status < 500 and status not in (408, 429):
        return SourceError(f"{what}: {where} answered {status}")
    reason = f"answered {status}" if status else f"failed ({type(error).__name__}: {error})"
    return Interrupted(f"{what}: {where} {transfer.public(reason)}")
