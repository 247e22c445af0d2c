"""What serving imports is in requirements/serving.txt, the list a container installs."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions

from tests.support.repository import ROOT


def imported() -> set[str]:
    """Top-level modules that serving imports, its own and Python's left out."""
    found: set[str] = set()
    for path in (ROOT / "serving").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - {"serving"} - sys.stdlib_module_names


def test_every_import_is_locked() -> None:
    text = (ROOT / "requirements" / "serving.txt").read_text("utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    distributions = packages_distributions()
    modules = imported()
    assert {"litestar", "onnxruntime", "PIL", "jwt"} <= modules
    for module in modules:
        names = {re.sub(r"[-_.]+", "-", name).lower() for name in distributions[module]}
        assert names & locked, module
