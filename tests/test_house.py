"""The house stands: who may import whom, where a module lies, what serving can do without."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.imports import imported, modules, names
from tests.support.repository import PIPELINE, ROOT

SHARED = {"listing", "encoding", "classifier"}
"""Packages of serving that stages import."""

ALSO = {
    "text": {"training"},
    "image": {"training", "pictures"},
    "graphs": {"image", "pictures"},
    "evaluation": {"pictures"},
    "exploration": {"pictures"},
}
"""Packages of stages that a package imports beside `common`."""

TRAINING = {"stages", "tensorflow", "keras", "pandas", "sklearn", "scipy", "dvc", "mlflow"}
"""What serving must not need."""


def place(module: Path) -> tuple[str, str]:
    """Top folder, and package below it; "" for a module that lies in the top folder itself."""
    return module.parts[0], module.parts[1] if len(module.parts) > 2 else ""


def refusal(importer: Path, other: Path) -> str | None:
    """Why `importer` must not import `other`; None if it may."""
    (top, package), (other_top, other_package) = place(importer), place(other)
    if top == "serving":
        return None if other_top == "serving" else "serving imports nothing of stages"
    if other_top == "serving":
        allowed = SHARED if package != "commands" else {*SHARED, ""}
        return None if other_package in allowed else f"stages import only {sorted(SHARED)} of it"
    if not other_package:
        return "nothing imports a page"
    if package == other_package or not package:
        return None if package or other_package != "commands" else "nothing imports a command"
    if other_package == "commands":
        return "nothing imports a command"
    allowed = {"common", *ALSO.get(package, ())}
    if package == "commands" or other_package in allowed:
        return None
    return f"stages/{package} imports only {sorted(allowed)}"


@pytest.mark.parametrize("module", modules(), ids=str)
def test_every_import_is_one_that_the_house_allows(module: Path) -> None:
    refused = {str(other): refusal(module, other) for other in imported(module)}
    assert not {other: why for other, why in refused.items() if why}


@pytest.mark.parametrize(
    ("importer", "other"),
    [
        ("serving/http/bodies.py", "stages/common/output.py"),
        ("stages/fuse.py", "serving/access/users.py"),
        ("stages/fuse.py", "stages/export.py"),
        ("stages/common/output.py", "stages/export.py"),
        ("stages/fuse.py", "stages/commands/quality/gate.py"),
        ("stages/common/output.py", "stages/commands/quality/gate.py"),
        ("stages/fusion/fitting.py", "stages/training/branch.py"),
        ("stages/common/output.py", "stages/text/ridge.py"),
        ("stages/pictures/archive.py", "stages/image/models.py"),
    ],
)
def test_what_the_house_does_not_allow_is_refused(importer: str, other: str) -> None:
    assert refusal(Path(importer), Path(other))


def test_the_pages_are_the_stages_of_the_pipeline() -> None:
    pages = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__", "__main__"}
    assert pages == set(PIPELINE)


@pytest.mark.parametrize("module", modules(), ids=str)
def test_every_module_says_what_it_is_for(module: Path) -> None:
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    if module.name == "__init__.py":  # a stage depends on modules, not on their package's code
        assert len(tree.body) == 1


@pytest.mark.parametrize("module", [m for m in modules() if m.parts[0] == "serving"], ids=str)
def test_serving_names_nothing_of_training(module: Path) -> None:
    assert not TRAINING & {name.split(".")[0] for name in names(module)}


def test_serving_loads_nothing_of_training() -> None:
    """Through no library either."""
    code = "import sys, serving.app, serving.classifier.explaining; print(*sys.modules)"
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not TRAINING & set(run.stdout.split())
