"""params.yaml as Hydra composes it from conf/."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from dvc.utils.hydra import compose_and_dump
from omegaconf.errors import OmegaConfBaseException

from stages.commands.exit_codes import CommandError
from stages.commands.repository import dvc_refusals


def compose(conf: Path, overrides: Sequence[str] = ()) -> str:
    """The text of params.yaml that the tree `conf` and Hydra `overrides` (key=value) give.

    Raises CommandError when the composition is refused.
    """
    with tempfile.TemporaryDirectory() as folder, dvc_refusals():
        path = Path(folder) / "params.yaml"
        try:
            compose_and_dump(path, str(conf), None, "config", str(conf), list(overrides))
        except OmegaConfBaseException as error:
            raise CommandError(str(error)) from error
        return path.read_text(encoding="utf-8")
