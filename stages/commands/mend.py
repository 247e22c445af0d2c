"""Mends what a killed DVC or a full disk left half-written; `make repro` runs it first.

DVC writes dvc.lock and its table of running readers and writers in place, so either may be cut off
anywhere, and DVC then refuses to work. The committed dvc.lock takes the place of a broken one (what
ran since is restored from the run cache); a broken table is removed. Outputs need no mending: DVC
removes those that its lock does not vouch for.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import yaml
from dvc.lock import make_lock
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import Invalid

LOCK = Path("dvc.lock")
TABLE = Path(".dvc/tmp/rwlock")


def broken(text: str) -> bool:
    """Whether DVC cannot read `text` as a dvc.lock."""
    try:
        COMPILED_LOCKFILE_SCHEMA(yaml.safe_load(text))
    except (yaml.YAMLError, Invalid):
        return True
    return False


def mend_lock() -> None:
    """Put the committed dvc.lock, or none when none is committed, in the place of a broken one."""
    if not LOCK.is_file() or not broken(LOCK.read_text(encoding="utf-8")):
        return
    committed = subprocess.run(  # noqa: S603
        ["git", "show", f"HEAD:./{LOCK}"],  # noqa: S607
        capture_output=True,
        check=False,
    )
    if committed.returncode == 0:
        LOCK.write_bytes(committed.stdout)
        print(f"{LOCK} was cut off, by a killed run or a full disk; the committed one is back")
    else:
        LOCK.unlink()
        print(f"{LOCK} was cut off, by a killed run or a full disk, and none is committed; removed")


def mend_table() -> None:
    """Remove a broken table of readers and writers, under the lock that DVC edits it with."""
    if not TABLE.is_file():
        return
    with make_lock(f"{TABLE}.lock", tmp_dir=str(TABLE.parent)):
        try:
            json.loads(TABLE.read_text(encoding="utf-8"))
        except ValueError:
            TABLE.unlink()
            print(f"{TABLE} was cut off, by a killed run or a full disk; removed")


if __name__ == "__main__":
    mend_lock()
    mend_table()
