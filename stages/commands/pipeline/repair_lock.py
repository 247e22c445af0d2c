"""Looks after DVC's own files; `make repro` runs it first.

DVC writes dvc.lock and its table of running readers and writers in place, so a killed DVC or a full
disk may leave either cut off anywhere, and DVC then refuses to work. The committed dvc.lock takes
the place of one that was cut off (what ran since is restored from the run cache), and what is left
of that is kept beside it; a broken table is removed. Outputs need no mending: DVC removes those
that its lock does not vouch for.

What params.yaml holds is looked over as well, and whether an address that DVC watches can be
reached: DVC removes a stage's outputs, metrics among them, before the stage could refuse it, and
takes a server that is away for files that are gone.

Nothing else is mended. An unresolved merge, or a dvc.lock that is broken anywhere but at its end,
is a person's to decide: the run stops, the files stay as they are, and it is said what to do.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.lock import make_lock
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from dvc.utils.serialize import parse_yaml
from dvc.utils.strictyaml import validate

from stages.common.settings import Data, SettingsError, UrlData, load
from stages.sources import url
from stages.sources.transfer import SourceError

LOCK = Path("dvc.lock")
TABLE = Path(".dvc/tmp/rwlock")
MERGED = (LOCK, Path("dvc.yaml"), Path("params.yaml"))
"""Files whose conflicts stop a run; the metrics' end with it, as it writes them anew."""

_MARKER = re.compile(r"(<{7}|\|{7}|>{7})( .*)?|={7}")
_OPENING = b"schema: '2.0'\nstages:\n"
_UNFINISHED = 3
"""Lines without meaning that a cut leaves at most: the one it went through, below two headings
(`params:`, `params.yaml:`)."""


class UndecidedError(Exception):
    """What only a person can decide; the message says what to do."""


def refuse_conflicts() -> None:
    """Raise UndecidedError naming the first file of MERGED that holds an unresolved merge."""
    known = _git("ls-files", "--unmerged", "-z", "--", *map(str, MERGED)) or b""
    unmerged = {entry.partition("\t")[2] for entry in known.decode().split("\0")}
    for path in MERGED:
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        lines = text.splitlines()
        marked = [number for number, line in enumerate(lines, 1) if _MARKER.fullmatch(line)]
        if not marked and str(path) not in unmerged:
            continue
        where = f" (line {marked[0]}: {lines[marked[0] - 1]})" if marked else ""
        if str(path) in unmerged:
            advice = f"  git checkout --ours {path}    # or --theirs\n  git add {path}"
        else:
            advice = f"  git checkout COMMIT -- {path}    # HEAD, or the one before the merge"
        raise UndecidedError(
            f"{path} holds an unresolved merge{where}; nothing was changed. "
            f"Edit it or take one side, then run again:\n{advice}\n  make repro"
        )


def fault(content: bytes) -> str | None:
    """Why DVC cannot read `content` as a dvc.lock; None if it can."""
    try:
        text = content.decode("utf-8")
        validate(parse_yaml(text, str(LOCK)), COMPILED_LOCKFILE_SCHEMA, text, str(LOCK))
    except (UnicodeDecodeError, DvcException) as error:
        return " ".join(str(error.__cause__ or error).split())
    return None


def cut_off(content: bytes) -> bool:
    """Whether `content` is the beginning of a dvc.lock: DVC can read all but its last lines."""
    lines = content.splitlines(keepends=True)
    shorter = (b"".join(lines[:-number]) for number in range(1, _UNFINISHED + 1))
    return _OPENING.startswith(content) or any(fault(text) is None for text in shorter)


def mend_lock() -> None:
    """Put the committed dvc.lock, or none when none is committed, in the place of one that was cut
    off. Raises UndecidedError when it is broken in another way."""
    if not LOCK.is_file():
        return
    content = LOCK.read_bytes()
    reason = fault(content)
    if reason is None:
        return
    if not cut_off(content):
        raise UndecidedError(
            f"{LOCK} cannot be read by DVC and was not just cut off, so it is left as it is: "
            f"{reason}\nEdit it, or go back to the committed one, then run again:\n"
            f"  git checkout HEAD -- {LOCK}\n  make repro"
        )
    committed = _git("show", f"HEAD:./{LOCK}")
    kept = _kept()
    LOCK.rename(kept)
    if committed is None:
        instead = "none is committed"
    else:
        LOCK.write_bytes(committed)
        instead = "the committed one is back"
    print(f"{LOCK} was cut off, by a killed run or a full disk; {instead}, its rest is {kept}")


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


def refuse_absent_source(data: Data) -> None:
    """Raise UndecidedError when DVC could not ask a source that it watches."""
    if not isinstance(data, UrlData):
        return
    try:
        url.require_there(data.path)
    except SourceError as error:
        raise UndecidedError(
            f"{error}\nNothing was changed. To go on with data/raw as it is:\n"
            "  dvc repro --downstream prepare"
        ) from error


def _kept() -> Path:
    """A name beside dvc.lock that is still free."""
    names = (Path(f"{LOCK}.cut-off{number or ''}") for number in itertools.count())
    return next(path for path in names if not path.exists())


def _git(*words: str) -> bytes | None:
    """What git prints; None when it fails or is not there."""
    try:
        done = subprocess.run(["git", *words], capture_output=True, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


if __name__ == "__main__":
    try:
        refuse_conflicts()
        mend_lock()
        mend_table()
        refuse_absent_source(load().data)
    except (UndecidedError, SettingsError) as error:
        sys.exit(str(error))
