"""Bring the locked classifier, and nothing else, from the remote: a part of `make pull-and-serve`.

DVC hashes what it received (`verify` in .dvc/config) and keeps no object that is not what its name
says; the folder appears only once all of its files are there.

Exit code: 0 the classifier is as dvc.lock says, 1 it is not, 3 none is locked.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from stages.commands import repository
from stages.commands.exit_codes import CommandError
from stages.commands.repository import ROOT
from stages.commands.results import dvc_lock

_FOLDER = ROOT / dvc_lock.CLASSIFIER


def unobtained(wanted: str, cache: Path) -> list[str]:
    """Files of the folder whose objects could not be had, where its list of files could."""
    listing = cache / "files" / "md5" / wanted[:2] / wanted[2:]
    if not listing.is_file():
        return []
    entries = json.loads(listing.read_text(encoding="utf-8"))
    return [
        f"{entry['relpath']} (object {entry['md5']})"
        for entry in entries
        if not (cache / "files" / "md5" / entry["md5"][:2] / entry["md5"][2:]).is_file()
    ]


def pull() -> None:
    """Pull the locked classifier unless it is there."""
    wanted = dvc_lock.locked_hash()
    if dvc_lock.present_hash(_FOLDER) != wanted:
        done = repository.dvc("pull", dvc_lock.CLASSIFIER, where=ROOT)
        if dvc_lock.present_hash(_FOLDER) != wanted:
            sys.stderr.write(done.stderr)
            cache = ROOT / repository.dvc("cache", "dir", where=ROOT).stdout.strip()
            missing = unobtained(wanted, cache)
            if missing:
                raise CommandError(
                    f"missing on the remote, or not what its name says: {', '.join(missing)}. "
                    "Remove such an object there and `dvc push` it from where it is whole"
                )
            raise CommandError(
                f"{dvc_lock.CLASSIFIER} could not be pulled. Check that the bucket of REMOTE_URL "
                "is there and holds the classifier of this commit (`dvc push` puts it there), "
                "REMOTE_ENDPOINT_URL and the keys; then run `make remote`"
            )
    size = sum(path.stat().st_size for path in _FOLDER.rglob("*"))
    print(f"{dvc_lock.CLASSIFIER}: {wanted}, {size:,} bytes, as {dvc_lock.LOCK} says")
