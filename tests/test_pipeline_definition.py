"""dvc.yaml says all that the stages read; serving stays free of what only training needs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
RUNNER = Path("stages/__main__.py")
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


def imports(path: Path) -> set[Path]:
    """Project modules that `path` imports, directly or through others, itself included."""
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                found = Path(*name.split(".")).with_suffix(".py")
                if found.parts[0] in ("stages", "serving") and (ROOT / found).exists():
                    waiting.append(found)
    return seen


def sections(path: Path) -> set[str]:
    """Sections of params.yaml that a stage script reads, through `load()` or `settings`."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            of = node.value
            called = isinstance(of, ast.Call) and getattr(of.func, "id", "") == "load"
            if called or getattr(of, "id", "") == "settings":
                found.add(node.attr)
    known = {"data", "prepare", "text", "image", "train", "fusion", "evaluate", "predict"}
    return found & known


@pytest.mark.parametrize("stage", PIPELINE)
def test_every_imported_module_is_a_dependency(stage: str) -> None:
    assert PIPELINE[stage]["cmd"] == f"python -m stages {stage}"
    declared = {Path(dep) for dep in PIPELINE[stage]["deps"] if dep.endswith(".py")}
    assert declared == imports(Path("stages") / f"{stage}.py") | imports(RUNNER)


@pytest.mark.parametrize("stage", PIPELINE)
def test_every_section_that_is_read_is_declared_and_no_other(stage: str) -> None:
    declared = {param.split(".")[0] for param in PIPELINE[stage]["params"]}
    read = sections(Path("stages") / f"{stage}.py")
    assert read <= declared
    # `prepare` appears twice: as the section of a stage and, in `fuse`, as the seed of its folds.
    assert declared <= read | {"prepare"}


def test_serving_needs_nothing_of_training() -> None:
    forbidden = {"stages", "tensorflow", "keras", "pandas", "sklearn", "dvc"}
    for path in (ROOT / "serving").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not forbidden & {name.split(".")[0] for name in names}, path
    code = "import sys, serving.classifier.classifier as c; print('tensorflow' in sys.modules)"
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"


def clone(destination: Path) -> Path:
    """The repository as it stands, tracked and new files, in a git repository of its own."""

    def git(*words: str, where: Path = destination) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *words]
        return subprocess.run(  # noqa: S603
            command, cwd=where, capture_output=True, text=True, check=True
        ).stdout

    for name in git("ls-files", "-co", "--exclude-standard", "-z", where=ROOT).split("\0"):
        if name and (ROOT / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            (destination / name).write_bytes((ROOT / name).read_bytes())
    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "clone")
    return destination


def changed_by_params(repository: Path) -> set[str]:
    """Stages whose declared parameters are no longer those of dvc.lock."""
    run = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        stage
        for stage, changes in json.loads(run.stdout).items()
        for change in changes
        if isinstance(change, dict) and "params.yaml" in change.get("changed deps", {})
    }


def downstream(stages: set[str]) -> set[str]:
    """`stages` and all that read, directly or through others, what they write."""
    reached = set(stages)
    while True:
        written = {
            next(iter(out)) if isinstance(out, dict) else out
            for stage in reached
            for out in PIPELINE[stage].get("outs", [])
        }
        more = {
            stage
            for stage, of in PIPELINE.items()
            if any(dep == out or dep.startswith(out + "/") for dep in of["deps"] for out in written)
        }
        if more <= reached:
            return reached
        reached |= more


@pytest.mark.parametrize(
    ("section", "key", "value", "touched", "spared"),
    [
        ("text", "penalty", 0.5, {"train_text", "export"}, {"images", "train_image"}),
        ("image", "dropout", 0.1, {"train_image", "export"}, {"images", "train_text"}),
        ("fusion", "method", "weighted", {"fuse", "export"}, {"train_image", "train_text"}),
    ],
)
def test_one_branch_is_not_retrained_for_the_other(
    section: str, key: str, value: object, touched: set[str], spared: set[str], tmp_path: Path
) -> None:
    repository = clone(tmp_path)
    assert changed_by_params(repository) == set(), "dvc.lock is not that of params.yaml"
    params = yaml.safe_load((repository / "params.yaml").read_text(encoding="utf-8"))
    assert params[section][key] != value
    params[section][key] = value
    (repository / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    assert changed_by_params(repository) == touched
    assert not spared & downstream(touched)
