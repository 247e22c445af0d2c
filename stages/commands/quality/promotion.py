"""Is this classifier better than another, beyond noise?"""

from __future__ import annotations

from typing import Annotated

import typer

from stages.commands.exit_codes import ExitCode
from stages.commands.quality.comparison import judge


def promotion(
    base: Annotated[str, typer.Argument(envvar="BASE", help="A revision.")],
) -> None:
    """Hold this classifier against that of a revision; ends with 1 unless it is better."""
    judgement = judge(base)
    print(judgement)
    if not judgement.better:
        raise typer.Exit(ExitCode.FAILED)
