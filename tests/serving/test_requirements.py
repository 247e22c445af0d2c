"""What serving imports is in requirements/serving.txt, the list a container installs.

What verifies a signature is in requirements/signing.txt, for those who demand one.
"""

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


def locked(name: str) -> dict[str, str]:
    """Version of every package of a list."""
    text = (ROOT / "requirements" / name).read_text("utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[^]]+\])?==(\S+)", text, re.MULTILINE))


def test_who_demands_signatures_installs_the_same_and_more() -> None:
    plain, signing = locked("serving.txt"), locked("signing.txt")
    assert plain.items() <= signing.items()
    assert {"model-signing", "pyopenssl"} <= signing.keys() - plain.keys()


def test_every_import_is_locked() -> None:
    packages = locked("serving.txt")
    distributions = packages_distributions()
    modules = imported() - {"model_signing"}
    assert {"litestar", "onnxruntime", "PIL", "jwt"} <= modules
    for module in modules:
        names = {re.sub(r"[-_.]+", "-", name).lower() for name in distributions[module]}
        assert names & packages.keys(), module
