"""The house stands: who may import whom, where a module lies, what serving can do without."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from stages.commands.__main__ import GROUPS
from tests.support.imports import imported, modules, names, reached
from tests.support.repository import PIPELINE, ROOT, called

SHARED = {"listing", "encoding", "classifier"}
"""Packages of serving that stages import."""

OF_COMMANDS = {"inference", "review", "settings"}
"""What commands import of it besides: the lock, corrections, and the settings of the service they
look after."""

VERBS = {
    Path("stages/commands", group, f"{verb.replace('-', '_')}.py")
    for group, verbs in GROUPS.items()
    for verb in verbs
}
"""The modules that are commands; what others need of them lies beside them."""

ALSO = {
    "sources": {"pictures", "preparation"},
    "text": {"training"},
    "language": {"training", "encoders"},
    "image": {"training", "pictures"},
    "graphs": {"image", "pictures"},
    "evaluation": {"pictures"},
    "exploration": {"pictures"},
}
"""Packages of stages that a package imports beside `common`."""

TRAINING = {"stages", "tensorflow", "keras", "pandas", "sklearn", "scipy", "dvc", "mlflow"}
"""What serving must not need."""


ORDER = [
    {"errors"},
    {"listing"},
    {"encoding"},
    {"classifier"},
    {"settings"},
    {"logs", "metrics", "workers"},
    {"review"},
    {"access", "inference"},
    {"http"},
    {"service"},
    {"middleware", "routes"},
    {"app"},
    {"server"},
    {"__main__"},
]
"""Packages and modules of serving: each imports those of earlier rows, and its own package."""


def rank(module: Path) -> int:
    """The row of a module of serving in ORDER, by its package or its own name."""
    name = Path(module.parts[1]).stem
    return next(row for row, names in enumerate(ORDER) if name in names)


def place(module: Path) -> tuple[str, str]:
    """Top folder, and package below it; "" for a module that lies in the top folder itself."""
    return module.parts[0], module.parts[1] if len(module.parts) > 2 else ""


def refusal(importer: Path, other: Path) -> str | None:
    """Why `importer` must not import `other`; None if it may."""
    (top, package), (other_top, other_package) = place(importer), place(other)
    if top == "serving":
        if other_top != "serving":
            return "serving imports nothing of stages"
        inside = package and package == other_package
        return None if inside or rank(other) < rank(importer) else f"{importer} lies below {other}"
    if other_top == "serving":
        allowed = SHARED | OF_COMMANDS if package == "commands" else SHARED
        name = other_package or other.stem
        return None if name in allowed else f"stages/{package} imports only {sorted(allowed)} of it"
    if not other_package:
        return "nothing imports a page"
    if other_package == "commands" and package != "commands":
        return "stages import nothing of the commands"
    if other_package == "commands" and other in VERBS:
        return "nothing imports a command"
    if package == other_package or not package:
        return None
    allowed = {"common", *ALSO.get(package, ())}
    if package == "commands" or other_package in allowed:
        return None
    return f"stages/{package} imports only {sorted(allowed)}"


def test_every_import_is_one_that_the_house_allows() -> None:
    imports = ((module, other) for module in modules() for other in imported(module))
    assert not {pair: why for pair in imports if (why := refusal(*pair))}


def test_what_the_house_does_not_allow_is_refused() -> None:
    for importer, other in (
        ("serving/http/bodies.py", "stages/common/output.py"),
        ("serving/access/limits.py", "serving/http/problems.py"),
        ("serving/access/passwords.py", "serving/inference/model.py"),
        ("serving/inference/model.py", "serving/http/problems.py"),
        ("serving/http/connections.py", "serving/service.py"),
        ("serving/http/documentation.py", "serving/routes/health.py"),
        ("serving/service.py", "serving/routes/health.py"),
        ("serving/service.py", "serving/app.py"),
        ("serving/listing/text.py", "serving/encoding/encoders.py"),
        ("serving/classifier/record.py", "serving/settings.py"),
        ("serving/metrics.py", "serving/workers.py"),
        ("stages/fuse.py", "serving/access/users/store.py"),
        ("stages/fuse.py", "serving/settings.py"),
        ("stages/fuse.py", "stages/export.py"),
        ("stages/common/output.py", "stages/export.py"),
        ("stages/fuse.py", "stages/commands/quality/gate.py"),
        ("stages/common/output.py", "stages/commands/quality/gate.py"),
        ("stages/fuse.py", "stages/commands/results/dvc_lock.py"),
        ("stages/commands/quality/comparison.py", "stages/commands/quality/gate.py"),
        ("stages/commands/results/compare.py", "serving/http/problems.py"),
        ("stages/fusion/fitting.py", "stages/training/branch.py"),
        ("stages/common/output.py", "stages/text/ridge.py"),
        ("stages/pictures/archive.py", "stages/image/model.py"),
    ):
        assert refusal(Path(importer), Path(other)), (importer, other)


def test_everything_in_serving_has_its_place_in_the_order() -> None:
    inside = {Path(module.parts[1]).stem for module in modules() if module.parts[0] == "serving"}
    assert inside - {"__init__"} == set().union(*ORDER)


def test_no_module_imports_itself_through_others() -> None:
    assert not [
        module
        for module in modules()
        if module in {path for other in imported(module) for path in reached(other)}
    ]


def test_the_pages_are_the_stages_of_the_pipeline() -> None:
    pages = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__", "__main__"}
    assert pages == set(PIPELINE)


def test_every_module_says_what_it_is_for() -> None:
    for module in modules():
        tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), module
        # A stage depends on modules, not on their package's code.
        assert module.name != "__init__.py" or len(tree.body) == 1, module


def test_serving_names_nothing_of_training() -> None:
    named = {(m, name) for m in modules() if m.parts[0] == "serving" for name in names(m)}
    assert not [pair for pair in named if pair[1].split(".")[0] in TRAINING]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loaded", "spared"),
    [
        ("serving.app, serving.classifier.explaining", TRAINING),
        ("serving.classifier.record", {"onnxruntime"}),
        ("serving.settings", {"numpy", "onnxruntime"}),
    ],
)
def test_serving_loads_nothing_that_it_does_not_need(loaded: str, spared: set[str]) -> None:
    """Through no library either."""
    code = f"import sys, {loaded}; print(*sys.modules)"
    done = called(ROOT, sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    assert not spared & set(done.stdout.split())
