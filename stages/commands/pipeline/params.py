"""params.yaml from conf/: `make params`.

DVC composes on `dvc exp run -S`; this is the same composition without running anything. A file that
was edited by hand is not overwritten: conf/hydra_plugins/hand_edits.py refuses, with what to do.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.utils.hydra import compose_and_dump
from omegaconf.errors import OmegaConfBaseException

ROOT = Path(__file__).resolve().parents[3]
PARAMS = ROOT / "params.yaml"


def compose(conf: Path, overrides: Sequence[str] = ()) -> str:
    """The text of params.yaml that the tree `conf` and Hydra `overrides` (key=value) give."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "params.yaml"
        compose_and_dump(path, str(conf), None, "config", str(conf), list(overrides))
        return path.read_text(encoding="utf-8")


def main(overrides: Sequence[str]) -> None:
    """Write params.yaml, or say why not."""
    try:
        text = compose(ROOT / "conf", overrides)
    except (DvcException, OmegaConfBaseException) as error:
        sys.exit(f"params: {error}")
    if PARAMS.is_file() and PARAMS.read_text(encoding="utf-8") == text:
        print("params.yaml is the composition of conf/ already")
        return
    PARAMS.write_text(text, encoding="utf-8")
    print("params.yaml is composed anew: see git diff params.yaml, then run `make repro`")


if __name__ == "__main__":
    main(sys.argv[1:])
