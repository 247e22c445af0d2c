"""The stages in their order, as DVC resolves dvc.yaml: JSON, each with those it reads from.

What a schedule derives its tasks from. Stages of `foreach` and `matrix` are listed one by one.
Exit code: 1 when DVC finds no pipeline or refuses it; the message says why.
"""

from __future__ import annotations

import json
from graphlib import TopologicalSorter

from dvc.exceptions import DvcException
from dvc.repo import Repo

from stages.commands.exit_codes import CommandError


def order() -> dict[str, list[str]]:
    """Each stage with the stages that must run before it, after all of them.

    Of the repository whose root is the working folder: DVC's names are relative to that. Raises
    CommandError when there is no stage, or when DVC cannot resolve dvc.yaml.
    """
    try:
        with Repo() as repo:
            repo.index.check_graph()
            graph = repo.index.graph
            # A .dvc file runs nothing: its data is there, or DVC says what is missing.
            names = {stage: stage.addressing for stage in graph if stage.cmd}
    except DvcException as error:
        raise CommandError(" ".join(_reasons(error))) from error
    if not names:
        raise CommandError("no stage is found: expected a dvc.yaml with stages that have a cmd")
    before = {
        name: sorted(names[other] for other in graph.successors(stage) if other in names)
        for stage, name in names.items()
    }
    return {name: before[name] for name in TopologicalSorter(before).static_order()}


def _reasons(error: BaseException) -> list[str]:
    """What DVC says, and what it says of the cause."""
    cause = error.__cause__
    return [str(error), *(_reasons(cause) if isinstance(cause, DvcException) else [])]


def stage_order() -> None:
    """Print the stages in their order, as JSON: each with those that must run before it."""
    print(json.dumps(order(), indent=1))
