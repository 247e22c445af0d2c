"""How stages speak: JSON that is byte-identical for equal values, and errors without traceback."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NoReturn


class StageError(Exception):
    """Why a stage cannot go on, in words for the person who can mend it: no traceback is shown."""


def write_json(path: Path, value: Any) -> None:
    """Write `value` as readable JSON with sorted keys; floats keep six significant digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_rounded(value), indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def fail(stage: str, error: Exception, status: int = 1) -> NoReturn:
    """End `stage` with the error's own words on stderr and an exit status."""
    print(f"{stage}: {error}", file=sys.stderr)
    raise SystemExit(status)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
