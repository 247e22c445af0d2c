"""Compare metrics/evaluation.json with the committed one, within what processors differ by."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from stages.common.settings import load

EVALUATION = "metrics/evaluation.json"
COMPARED = ("accuracy", "weighted_f1", "macro_f1", "calibration_error")


def main() -> None:
    """Exit with 1 when a headline figure moved by more than params.yaml compare.scores."""
    committed = json.loads(
        subprocess.run(  # noqa: S603
            ["git", "show", f"HEAD:{EVALUATION}"],  # noqa: S607
            check=True,
            capture_output=True,
        ).stdout
    )
    found = json.loads(Path(EVALUATION).read_text(encoding="utf-8"))
    moved = {name: (committed[name], found[name]) for name in COMPARED}
    print("committed and reproduced:", moved)
    tolerance = load().compare.scores
    if any(abs(before - after) > tolerance for before, after in moved.values()):
        sys.exit(f"metrics differ by more than {tolerance}")


if __name__ == "__main__":
    main()
