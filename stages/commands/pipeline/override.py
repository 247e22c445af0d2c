"""Overrides for `-S` as Hydra's grammar reads them, and commands with them as a shell does.

Hydra takes few characters without quotation marks (hydra.cc, "Basic Override syntax", Quoted
values): no accent, apostrophe, parenthesis, comma nor equals sign.
"""

from __future__ import annotations

import re
import shlex
from itertools import chain

_PLAIN_PATH = re.compile(r"[A-Za-z0-9_.-]*/[A-Za-z0-9_./-]*")
"""Hydra reads it as it stands: as neither a number nor a list nor null."""


def override(key: str, value: str) -> str:
    """`key=value`, with the value in quotation marks where it is not plainly a path."""
    return f"{key}={value if _PLAIN_PATH.fullmatch(value) else _quoted(value)}"


def run_command(*overrides: str) -> str:
    """The command, for a shell, that runs the pipeline with these."""
    options = chain.from_iterable(("-S", assignment) for assignment in overrides)
    return shlex.join(["dvc", "exp", "run", *options])


def _quoted(value: str) -> str:
    """Between apostrophes; in front of one, and of the last, backslashes count twice."""
    return "'" + re.sub(r"(\\*)'", r"\1\1\\'", re.sub(r"(\\+)$", r"\1\1", value)) + "'"
