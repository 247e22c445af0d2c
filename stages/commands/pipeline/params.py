"""Compose params.yaml from conf/, as `dvc exp run -S` does, without running anything.

A file that was edited by hand is not overwritten: conf/hydra_plugins/hand_edits.py refuses, with
what to do.
"""

from __future__ import annotations

from typing import Annotated

import typer

from stages.commands.pipeline.composition import compose
from stages.commands.repository import ROOT

PARAMS = ROOT / "params.yaml"


def params(
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="As after -S.")
    ] = None,
) -> None:
    """Write params.yaml as conf/ and the overrides compose it."""
    text = compose(ROOT / "conf", overrides or [])
    if PARAMS.is_file() and PARAMS.read_text(encoding="utf-8") == text:
        print("params.yaml is the composition of conf/ already")
        return
    PARAMS.write_text(text, encoding="utf-8")
    print("params.yaml is composed anew: see git diff params.yaml, then run `make repro`")
