"""Make this result's classifier the champion, or give the place back to the one before.

`make promote` moves the alias `champion` when the gate and the paired comparison, both on the same
test products, speak for this classifier against the present champion. Both verdicts become tags of
the version. `make promote FORCE=1 REASON='…'` moves it in spite of them. `make rollback` moves it
back to the version that was champion before.

Exit status: 0 moved (or there already), 3 there is nothing to promote or to go back to, 10 refused.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from mlflow import MlflowClient

from stages.commands.quality import gate_table as gate
from stages.commands.quality.registered_base import judge_version
from stages.commands.registry import server, versions
from stages.commands.registry.server import TrackingError
from stages.commands.registry.versions import CHAMPION, NAME, Version
from stages.commands.remote import environment, pull
from stages.commands.repository import ROOT, ResultError
from stages.commands.results import revision
from stages.common.output import StageError, fail

NOTHING = 3
REFUSED = 10
"""Not 1: so a crash of Python ends, and it is no answer."""

BEFORE = "champion_before"
"""Tag of a champion: the number of the version whose place it took."""


@dataclass(frozen=True)
class Verdict:
    """What the gate and the paired comparison say; `table` is for people."""

    passed: bool
    gate: str
    paired: str
    table: str


def verdict(client: MlflowClient, champion: Version) -> Verdict:
    """Judge the workspace against the champion; without a comparison nothing passes."""
    name = f"champion (version {champion.number})"
    try:
        judgement, sizes = judge_version(client, champion)
    except (ResultError, TrackingError) as error:
        return Verdict(False, f"no verdict: {error}", f"no verdict: {error}", str(error))
    rows = gate.rows(sizes, judgement)
    failed = [row.name for row in rows if not row.passed]
    return Verdict(
        not failed and judgement.better,
        f"worse: {', '.join(failed)}" if failed else "passed",
        str(judgement),
        gate.table(name, rows, judgement),
    )


def promote(client: MlflowClient, reason: str | None) -> int:
    """Judge, tag, and move the alias or not; the exit status."""
    revision.require_present(ROOT, "this result")
    challenger = versions.by_hash(client, pull.locked())
    if challenger is None:
        raise ResultError("this result's classifier is not registered; run `make publish` first")
    champion = versions.by_alias(client, CHAMPION)
    if champion is not None and champion.number == challenger.number:
        print(f"version {champion.number} is the champion")
        return 0
    if champion is None:
        first = "there was no champion"
        found = Verdict(True, first, first, first)
    else:
        found = verdict(client, champion)
    print(found.table)
    how = "passed" if found.passed else f"forced: {reason}" if reason else "refused"
    against = champion.number if champion else "none"
    tags = {"gate": found.gate, "paired": found.paired, "against": against, "promotion": how}
    versions.tag(client, challenger, tags)
    if how == "refused":
        print(
            f"version {challenger.number} is not promoted; in spite of that: "
            "make promote FORCE=1 REASON='…'",
            file=sys.stderr,
        )
        return REFUSED
    if versions.by_alias(client, CHAMPION) != champion:
        raise ResultError("another version became champion meanwhile; run `make promote` again")
    versions.tag(client, challenger, {BEFORE: against})
    client.set_registered_model_alias(NAME, CHAMPION, challenger.number)
    print(f"version {challenger.number} is the champion; before: {against}")
    return 0


def rollback(client: MlflowClient, reason: str | None) -> int:
    """Give the alias back to the version before; the exit status."""
    champion = versions.by_alias(client, CHAMPION)
    before = versions.by_number(client, champion.tags.get(BEFORE, "")) if champion else None
    if champion is None or before is None:
        raise ResultError("there is no champion before the present one")
    versions.tag(client, champion, {"promotion": f"rolled back: {reason or 'no reason given'}"})
    client.set_registered_model_alias(NAME, CHAMPION, before.number)
    print(f"version {before.number} is the champion again; before: {champion.number}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m stages.commands.registry.promote")
    parser.add_argument("--rollback", action="store_true")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--reason", default="")
    asked = parser.parse_args(arguments)
    reason = asked.reason.strip() or None
    if asked.force and reason is None:
        parser.error("a forced promotion needs a reason: make promote FORCE=1 REASON='…'")
    settings = environment.load()
    uri = settings.tracking_uri or server.local()
    with server.session(uri, settings.username, settings.revealed_password) as client:
        if asked.rollback:
            return rollback(client, reason)
        return promote(client, reason if asked.force else None)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ResultError, TrackingError) as error:
        print(f"promote: {error}", file=sys.stderr)
        sys.exit(NOTHING)
    except StageError as error:
        fail("promote", error)
