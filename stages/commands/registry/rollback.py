"""Give the champion's place back to the version before: `make rollback [REASON='…']`.

Exit code: 0 it is given back, 3 there is none before.
"""

from __future__ import annotations

from typing import Annotated

import typer

from stages.commands.registry import server, versions
from stages.commands.registry.versions import BEFORE, CHAMPION, NAME
from stages.commands.repository import ResultError


def rollback(
    reason: Annotated[str, typer.Option(envvar="REASON", help="Kept with the version.")] = "",
) -> None:
    """Give the alias champion back to the version that had it before."""
    with server.configured() as client:
        champion = versions.by_alias(client, CHAMPION)
        before = versions.by_number(client, champion.tags.get(BEFORE, "")) if champion else None
        if champion is None or before is None:
            raise ResultError("there is no champion before the present one")
        why = reason.strip() or "no reason given"
        versions.tag(client, champion, {"promotion": f"rolled back: {why}"})
        client.set_registered_model_alias(NAME, CHAMPION, before.number)
    print(f"version {before.number} is the champion again; before: {champion.number}")
