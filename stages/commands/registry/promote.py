"""Make this result's classifier the champion if it is better.

`make promote` moves the alias `champion` when the gate and the paired comparison, both on the same
test products, speak for this classifier against the present champion. Both verdicts become tags of
the version. `make promote FORCE=1 REASON='…'` moves it in spite of them.

Exit code: 0 moved (or there already), 3 there is nothing to promote, 10 refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from mlflow import MlflowClient

from stages.commands.exit_codes import CommandError, ExitCode
from stages.commands.quality import gate_table
from stages.commands.quality.registered_base import judge_version
from stages.commands.registry import server, versions
from stages.commands.registry.versions import BEFORE, CHAMPION, NAME, Version
from stages.commands.repository import ROOT, ResultError
from stages.commands.results import revision
from stages.commands.results.dvc_lock import locked_hash


class RefusedError(CommandError):
    """It was judged and refused; not 1: so a crash of Python ends, and it is no answer."""

    code = ExitCode.REFUSED


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
    except CommandError as error:
        return Verdict(False, f"no verdict: {error}", f"no verdict: {error}", str(error))
    rows = gate_table.rows(sizes, judgement)
    failed = [row.name for row in rows if not row.passed]
    return Verdict(
        not failed and judgement.better,
        f"worse: {', '.join(failed)}" if failed else "passed",
        str(judgement),
        gate_table.table(name, rows, judgement),
    )


def promote(
    force: Annotated[
        bool, typer.Option("--force", envvar="FORCE", help="In spite of the verdicts.")
    ] = False,
    reason: Annotated[str, typer.Option(envvar="REASON", help="Why it is forced.")] = "",
) -> None:
    """Make this classifier the registry's champion if it is better."""
    if force and not reason.strip():
        raise typer.BadParameter(
            "a forced promotion needs a reason: make promote FORCE=1 REASON='…'"
        )
    with server.configured() as client:
        judge_and_move(client, reason.strip() if force else None)


def judge_and_move(client: MlflowClient, reason: str | None) -> None:
    """Judge, tag, and move the alias, with a `reason` in any case. Raises RefusedError."""
    revision.require_present(ROOT, "this result")
    challenger = versions.by_hash(client, locked_hash())
    if challenger is None:
        raise ResultError("this result's classifier is not registered; run `make publish` first")
    champion = versions.by_alias(client, CHAMPION)
    if champion is not None and champion.number == challenger.number:
        print(f"version {champion.number} is the champion")
        return
    if champion is None:
        first = "there was no champion"
        judged = Verdict(True, first, first, first)
    else:
        judged = verdict(client, champion)
    print(judged.table)
    how = "passed" if judged.passed else f"forced: {reason}" if reason else "refused"
    against = champion.number if champion else "none"
    tags = {"gate": judged.gate, "paired": judged.paired, "against": against, "promotion": how}
    versions.tag(client, challenger, tags)
    if how == "refused":
        raise RefusedError(
            f"version {challenger.number} is not promoted; in spite of that: "
            "make promote FORCE=1 REASON='…'"
        )
    if versions.by_alias(client, CHAMPION) != champion:
        raise ResultError("another version became champion meanwhile; run `make promote` again")
    versions.tag(client, challenger, {BEFORE: against})
    client.set_registered_model_alias(NAME, CHAMPION, challenger.number)
    print(f"version {challenger.number} is the champion; before: {against}")
