"""What the project's modules import of each other, read from their text."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from tests.support.repository import ROOT


def modules() -> list[Path]:
    """Every module of stages/ and serving/, from the repository's root."""
    found = [path for top in ("stages", "serving") for path in (ROOT / top).rglob("*.py")]
    return sorted(path.relative_to(ROOT) for path in found)


@cache
def names(module: Path) -> frozenset[str]:
    """Dotted names that `module` imports, wherever in it; of `from a import b`, a and a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{module}: a relative import"
            assert node.level == 0, f"{module}: a relative import"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


@cache
def imported(module: Path) -> frozenset[Path]:
    """Modules of the project that `module` imports itself."""
    files = {Path(*name.split(".")).with_suffix(".py") for name in names(module)}
    if module.name == "registry.py":  # imports by name what lies beside it
        beside = (path.relative_to(ROOT) for path in (ROOT / module).parent.glob("[!_]*.py"))
        files |= set(beside) - {module}
    return frozenset(file for file in files if (ROOT / file).is_file())


def reached(module: Path) -> set[Path]:
    """Modules of the project that `module` imports, directly or through others, and itself."""
    seen: set[Path] = set()
    waiting = [module]
    while waiting:
        if (found := waiting.pop()) not in seen:
            seen.add(found)
            waiting.extend(imported(found))
    return seen
