"""The stages of the pipeline in their order, as DVC resolves dvc.yaml: `python -m
stages.commands.schedule.stage_order` prints them as a JSON object, each with those it reads from.

What a schedule derives its tasks from. Stages of `foreach` and `matrix` are listed one by one.
Exit status: 0, or 1 when DVC finds no pipeline or refuses it; the message says why.
"""

from __future__ import annotations

import json
import sys
from graphlib import TopologicalSorter

from dvc.exceptions import DvcException
from dvc.repo import Repo

from stages.commands.repository import ResultError


def order() -> dict[str, list[str]]:
    """Each stage with the stages that must run before it, after all of them.

    Of the repository whose root is the working folder: DVC's names are relative to that. Raises
    ResultError when there is no stage, or when DVC cannot resolve dvc.yaml.
    """
    try:
        with Repo() as repo:
            repo.index.check_graph()
            graph = repo.index.graph
            # A .dvc file runs nothing: its data is there, or DVC says what is missing.
            names = {stage: stage.addressing for stage in graph if stage.cmd}
    except DvcException as error:
        raise ResultError(" ".join(_reasons(error))) from error
    if not names:
        raise ResultError("no stage is found: expected a dvc.yaml with stages that have a cmd")
    before = {
        name: sorted(names[other] for other in graph.successors(stage) if other in names)
        for stage, name in names.items()
    }
    return {name: before[name] for name in TopologicalSorter(before).static_order()}


def _reasons(error: BaseException) -> list[str]:
    """What DVC says, and what it says of the cause."""
    cause = error.__cause__
    return [str(error), *(_reasons(cause) if isinstance(cause, DvcException) else [])]


if __name__ == "__main__":
    try:
        print(json.dumps(order(), indent=1))
    except ResultError as error:
        sys.exit(f"order: {error}")
