"""Is this result worse than another one, or than a registered version?"""

from __future__ import annotations

from typing import Annotated

import typer

from stages.commands.exit_codes import CommandError, ExitCode
from stages.commands.quality import gate_table
from stages.commands.quality.comparison import Judgement, judge
from stages.commands.results import revision

REGISTERED = "models:/"
"""How the address of a registered version begins."""


def compare(base: str) -> tuple[Judgement, tuple[int, int]] | None:
    """The judgement, and both classifiers' bytes; None when the base is this very classifier.

    Raises CommandError when they cannot be compared.
    """
    if base.startswith(REGISTERED):
        # Here, as the registry's client takes seconds to load.
        from stages.commands.quality import registered_base

        return registered_base.judge(base)
    return judge(base), gate_table.classifier_size(revision.commit_of(base))


def gate(
    base: Annotated[
        str,
        typer.Argument(
            envvar="BASE", help="A revision, or models:/product-classifier@champion (or /<number>)."
        ),
    ],
) -> None:
    """Print what is worse than in the base, as Markdown; ends with 1 when anything is."""
    try:
        compared = compare(base)
    except CommandError as error:
        print(f"### No verdict\n\n{error}")  # on stdout, where a pull request's table is taken from
        raise
    if compared is None:
        print(f"### Not worse than {base}\n\nIt is the very classifier of this result.")
        return
    judgement, sizes = compared
    rows = gate_table.rows(sizes, judgement)
    print(gate_table.table(base, rows, judgement))
    if not all(row.passed for row in rows):
        raise typer.Exit(ExitCode.FAILED)
