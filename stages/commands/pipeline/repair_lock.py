"""Restore a cut-off dvc.lock, and stop what DVC would go wrong on; `make repro` runs it first.

DVC writes dvc.lock in place, so a killed DVC or a full disk may leave it cut off anywhere, and DVC
then refuses to work. The committed one takes its place (what ran since is restored from the run
cache), and what is left of it is kept beside it. Outputs need no repair: DVC removes those that its
lock does not vouch for.

What params.yaml holds is checked as well, and whether an address that DVC watches can be reached:
DVC removes a stage's outputs, metrics among them, before the stage could refuse it, and takes a
server that is away for files that are gone.

Nothing else is repaired. An unresolved merge, or a dvc.lock that is broken anywhere but at its end,
is a person's to decide: the run stops, the files stay as they are, and the message says what to do.
"""

from __future__ import annotations

from pathlib import Path

from dvc.exceptions import DvcException
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from dvc.utils.serialize import parse_yaml
from dvc.utils.strictyaml import validate

from stages.commands.exit_codes import CommandError
from stages.commands.repository import ResultError, git_bytes, git_files, unused_path
from stages.common.settings import Data, UrlData, load
from stages.sources import url
from stages.sources.transfer import SourceError

LOCK = Path("dvc.lock")
MERGED = (str(LOCK), "dvc.yaml", "params.yaml")
"""Files whose conflicts stop a run; the metrics' end with it, as it writes them anew."""

_OPENING = b"schema: '2.0'\nstages:\n"
_UNFINISHED = 3
"""Lines without meaning that a cut leaves at most: the one it went through, below two headings
(`params:`, `params.yaml:`)."""


def refuse_conflicts() -> None:
    """Raise CommandError naming the first file of MERGED that git holds unmerged."""
    entries = git_files("ls-files", "--unmerged", "-z", "--", *MERGED, where=Path())
    unmerged = {entry.partition("\t")[2] for entry in entries}
    if path := next((path for path in MERGED if path in unmerged), None):
        raise CommandError(
            f"{path} holds an unresolved merge; nothing was changed. "
            "Edit it or take one side, then run again:\n"
            f"  git checkout --ours {path}    # or --theirs\n  git add {path}\n  make repro"
        )


def fault(content: bytes) -> str | None:
    """Why DVC cannot read `content` as a dvc.lock; None if it can."""
    try:
        text = content.decode("utf-8")
        content_by_key = parse_yaml(text, str(LOCK))
        validate(content_by_key, COMPILED_LOCKFILE_SCHEMA, text, str(LOCK))
    except (UnicodeDecodeError, DvcException) as error:
        return " ".join(str(error.__cause__ or error).split())
    # The first digits of a hash are a number to YAML, which DVC's own schema lets pass.
    for stage in (content_by_key.get("stages") or {}).values():
        for file in (*stage.get("deps", ()), *stage.get("outs", ())):
            if not isinstance(file.get("md5", ""), str):
                return f"md5 of {file['path']} is a number"
    return None


def cut_off(content: bytes) -> bool:
    """Whether `content` is the beginning of a dvc.lock: DVC can read all but its last lines."""
    lines = content.splitlines(keepends=True)
    shorter = (b"".join(lines[:-number]) for number in range(1, _UNFINISHED + 1))
    return _OPENING.startswith(content) or any(fault(text) is None for text in shorter)


def restore_lock() -> None:
    """Put the committed dvc.lock, or none when none is committed, in the place of one that was cut
    off. Raises CommandError when it is broken in another way."""
    content = LOCK.read_bytes() if LOCK.is_file() else None
    reason = None if content is None else fault(content)
    if content is None or reason is None:
        return
    committed = _committed()
    if not cut_off(content) or (committed is not None and fault(committed)):
        raise CommandError(
            f"{LOCK} cannot be read by DVC and was not just cut off, so it is left as it is: "
            f"{reason}\nEdit it, or go back to a committed one, then run again:\n"
            f"  git checkout HEAD -- {LOCK}\n  make repro"
        )
    rest = unused_path(f"{LOCK}.cut-off{{}}")
    LOCK.rename(rest)
    if committed is not None:
        LOCK.write_bytes(committed)
    instead = "none is committed" if committed is None else "the committed one is back"
    print(f"{LOCK} was cut off, by a killed run or a full disk; {instead}, its rest is {rest}")


def _committed() -> bytes | None:
    try:
        return git_bytes("show", f"HEAD:./{LOCK}", where=Path())
    except ResultError:
        return None


def refuse_absent_source(data: Data) -> None:
    """Raise CommandError when DVC could not ask a source that it watches."""
    if not isinstance(data, UrlData):
        return
    try:
        url.require_there(data.path)
    except SourceError as error:
        raise CommandError(
            f"{error}\nNothing was changed. To go on with data/raw as it is:\n"
            "  dvc repro --downstream prepare"
        ) from error


def repair_lock() -> None:
    """Restore a cut-off dvc.lock; stop for a merge, wrong parameters or an absent source."""
    refuse_conflicts()
    restore_lock()
    refuse_absent_source(load().data)
