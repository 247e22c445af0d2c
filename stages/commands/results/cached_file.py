"""A file of a folder that DVC tracks, out of its cache, whatever lies in the workspace now."""

from __future__ import annotations

import json
from pathlib import Path

from stages.commands import repository


def cached_file(folder: str, name: str) -> bytes | None:
    """The content of a file, by its path in the folder with the hash `folder` ("….dir"); None where
    the cache has not both of them, or the folder no such file."""
    try:
        listing = json.loads(_object(folder).read_bytes())
        hashes = {each["relpath"]: each["md5"] for each in listing}
        return _object(hashes[name]).read_bytes() if name in hashes else None
    except (OSError, ValueError):
        return None


def _object(md5: str) -> Path:
    cache = repository.dvc("cache", "dir", where=repository.ROOT).stdout.strip()
    return Path(cache, "files", "md5", md5[:2], md5[2:])
