"""dvc.yaml says all that the stages read, and a change runs again what it touches and no more."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from tests.support.imports import modules, reached
from tests.support.repository import PIPELINE, ROOT, clone, git

RUNNER = Path("stages/__main__.py")
MOST = 13
"""Code dependencies of a stage."""

ANSWERING = {"evaluate", "predict", "describe"}
"""The stages that run the exported classifier."""

TRAINING = {"train_text", "train_language", "train_image"}
"""The stages that train a branch."""

TOUCHED = {
    "stages/__main__.py": set(PIPELINE),
    "stages/common/guard.py": set(PIPELINE),
    "stages/fuse.py": {"fuse"},
    "stages/sources/merging.py": {"ingest"},
    "stages/sources/url.py": {"ingest"},
    "stages/sources/huggingface.py": {"ingest", "embed"},
    "stages/sources/sample/listings.py": {"ingest"},
    "stages/sources/tables/reading.py": {"ingest"},
    "stages/preparation/csv_table.py": {"ingest", "prepare"},
    "stages/preparation/split.py": {"prepare"},
    "stages/exploration/words.py": {"explore"},
    "stages/pictures/archive.py": {"ingest", "prepare", "explore", "images", "export"} | ANSWERING,
    "stages/pictures/decoding.py": {"images", "export"},
    "stages/pictures/backbones.py": {"images", "train_image", "export"},
    "stages/text/ridge.py": {"train_text", "export"},
    "stages/encoders/vocabulary.py": {"embed", "train_language", "export"},
    "stages/language/tuned.py": {"train_language", "export"},
    "stages/image/frozen.py": {"train_image", "export"},
    "stages/training/discriminant.py": TRAINING | {"export"},
    "stages/training/gradient_descent.py": TRAINING | {"export"},
    "stages/fusion/fitting.py": {"fuse"},
    "stages/graphs/conversion.py": {"export"},
    "stages/evaluation/scores.py": ANSWERING,
    "stages/commands/exit_codes.py": set(),
    "stages/commands/batch/answer_rows.py": set(),
    "stages/commands/batch/distributed/shards.py": set(),
    "stages/commands/corrections/write.py": set(),
    "stages/commands/drift/card.py": set(),
    "stages/commands/monitor/scrape.py": set(),
    "stages/commands/pipeline/params.py": set(),
    "stages/commands/proofs/verify.py": set(),
    "stages/commands/quality/gate.py": set(),
    "stages/commands/registry/runs.py": set(),
    "stages/commands/remote/pull.py": set(),
    "stages/commands/results/dvc_lock.py": set(),
    "stages/commands/schedule/run_stage.py": set(),
    "serving/access/users/store.py": set(),
    "serving/listing/text.py": {"prepare", "explore", "train_text", "embed", "train_language"}
    | {"export"}
    | ANSWERING,
    "serving/listing/identity.py": {"ingest", "prepare", "explore", "export"} | ANSWERING,
    "serving/listing/images.py": {"prepare", "explore", "images", "export"} | ANSWERING,
    "serving/encoding/subwords.py": {"embed", "train_language", "export"} | ANSWERING,
    "serving/listing/heads.py": {"ingest", "prepare", "explore", "images", "export"} | ANSWERING,
    "serving/encoding/ngrams.py": {"train_text", "export"} | ANSWERING,
    "serving/classifier/classifier.py": {"export"} | ANSWERING,
    "serving/classifier/fusion.py": {"fuse", "export"} | ANSWERING,
    "serving/access/tokens.py": set(),
    "serving/http/bodies.py": set(),
    "serving/inference/lock.py": set(),
    "serving/workers.py": set(),
    "serving/review/settling.py": set(),
    "serving/routes/health.py": set(),
    "serving/settings.py": set(),
}
"""A file, and the stages that depend on it."""


def code(stage: str) -> list[Path]:
    """The stage's dependencies in stages/ and serving/."""
    deps = [Path(dep) for dep in PIPELINE[stage]["deps"]]
    return [dep for dep in deps if dep.parts[0] in ("stages", "serving")]


def sections(path: Path) -> set[str]:
    """Sections of params.yaml that a stage script reads, through `load()` or `settings`."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            of = node.value
            called = isinstance(of, ast.Call) and getattr(of.func, "id", "") == "load"
            if called or getattr(of, "id", "") == "settings":
                found.add(node.attr)
    known = {
        "data",
        "taxonomy",
        "prepare",
        "text",
        "language",
        "image",
        "train",
        "fusion",
        "evaluate",
        "predict",
    }
    return found & known


@pytest.mark.parametrize("stage", PIPELINE)
def test_every_imported_module_is_a_dependency_and_every_dependency_is_imported(stage: str) -> None:
    assert PIPELINE[stage]["cmd"] == f"python3 -m stages {stage}"
    needed = reached(Path("stages") / f"{stage}.py") | reached(RUNNER)
    declared = code(stage)
    assert len(declared) <= MOST
    covered = {module: [dep for dep in declared if module.is_relative_to(dep)] for module in needed}
    assert not [module for module, by in covered.items() if len(by) != 1]
    assert {dep for by in covered.values() for dep in by} == set(declared)


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_single_file_stands_only_where_its_package_would_be_too_much(stage: str) -> None:
    needed = reached(Path("stages") / f"{stage}.py") | reached(RUNNER)
    for dep in code(stage):
        if dep.suffix and len(dep.parts) > 2:
            package = {module for module in modules() if module.parent == dep.parent}
            assert not {m for m in package if m.name != "__init__.py"} <= needed, dep.parent


@pytest.mark.parametrize("stage", PIPELINE)
def test_every_section_that_is_read_is_declared_and_no_other(stage: str) -> None:
    declared = {param.split(".")[0] for param in PIPELINE[stage]["params"]}
    read = sections(Path("stages") / f"{stage}.py")
    assert read <= declared
    # `prepare` appears twice: as the section of a stage and, in `fuse`, as the seed of its folds;
    # the stage `prepare` reads `taxonomy` of all settings.
    assert declared <= read | {"prepare", "taxonomy"}


def changed(repository: Path, about: Callable[[str], bool]) -> set[str]:
    """Stages with a dependency, chosen by its path, that is no longer that of dvc.lock."""
    with Repo(str(repository)) as repo:
        status = repo.status()
    return {
        stage.rpartition(":")[2]
        for stage, changes in status.items()
        for change in changes
        if isinstance(change, dict) and any(map(about, change.get("changed deps", {})))
    }


def is_code(path: str) -> bool:
    return path.startswith(("stages", "serving"))


def is_params(path: str) -> bool:
    return path == "params.yaml"


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


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of which nothing is changed; what a test changes in it, it puts back."""
    folder = clone(tmp_path_factory.mktemp("clone"))
    assert changed(folder, is_code) == set(), "dvc.lock is not that of the code"
    assert changed(folder, is_params) == set(), "dvc.lock is not that of params.yaml"
    return folder


def test_a_clone_that_converts_line_ends_has_the_same_bytes(
    repository: Path, tmp_path: Path
) -> None:
    """Git for Windows sets core.autocrlf."""
    folder = tmp_path / "converting"
    git(
        tmp_path,
        "clone",
        "--quiet",
        "--config",
        "core.autocrlf=true",
        str(repository),
        "converting",
    )
    names = git(repository, "ls-files", "-z").split("\0")[:-1]
    assert "w/crlf" not in git(folder, "ls-files", "--eol")
    other = [name for name in names if (folder / name).read_bytes() != (ROOT / name).read_bytes()]
    assert other == []
    assert changed(folder, lambda path: is_code(path) or is_params(path)) == set()
    assert git(folder, "status", "--porcelain") == ""


def test_a_file_of_every_package_is_touched() -> None:
    packages = {module.parent.as_posix() for module in modules()}
    assert packages == {Path(file).parent.as_posix() for file in TOUCHED}


def test_the_stages_that_depend_on_a_file_are_those_that_are_named() -> None:
    found = {
        file: {stage for stage in PIPELINE if any(map(Path(file).is_relative_to, code(stage)))}
        for file in TOUCHED
    }
    assert found == TOUCHED


@pytest.mark.parametrize(
    "file", ["stages/fuse.py", "stages/pictures/decoding.py", "serving/settings.py"]
)
def test_dvc_runs_again_what_depends_on_a_touched_file(file: str, repository: Path) -> None:
    path = repository / file
    before = path.read_text(encoding="utf-8")
    path.write_text(before + "\n# touched\n", encoding="utf-8")
    try:
        assert changed(repository, is_code) == TOUCHED[file]
    finally:
        path.write_text(before, encoding="utf-8")


@pytest.mark.parametrize(
    ("package", "spared"),
    [
        ("stages/text", {"prepare", "images", "train_image"}),
        ("serving/encoding", {"prepare", "images", "train_image"}),
        ("stages/image", {"prepare", "images", "train_text"}),
        ("stages/fusion", {"images", "train_text", "train_image"}),
        ("stages/graphs", {"images", "train_text", "train_image", "fuse"}),
        ("stages/evaluation", {"images", "train_text", "train_image", "fuse", "export"}),
    ],
)
def test_a_package_spares_what_has_nothing_to_do_with_it(package: str, spared: set[str]) -> None:
    touched = {
        stage for stage in PIPELINE if any(dep.is_relative_to(package) for dep in code(stage))
    }
    assert touched
    assert not spared & downstream(touched)


@pytest.mark.parametrize(
    ("section", "key", "value", "touched", "spared"),
    [
        ("text", "penalty", 0.5, {"train_text", "export"}, {"images", "train_image"}),
        ("image", "folds", 3, {"train_image", "export"}, {"images", "train_text"}),
        ("fusion", "method", "weighted", {"fuse", "export"}, {"train_image", "train_text"}),
    ],
)
def test_one_branch_is_not_retrained_for_the_other(
    section: str,
    key: str,
    value: object,
    touched: set[str],
    spared: set[str],
    repository: Path,
) -> None:
    path = repository / "params.yaml"
    before = path.read_text(encoding="utf-8")
    params = yaml.safe_load(before)
    assert params[section][key] != value
    params[section][key] = value
    path.write_text(yaml.safe_dump(params), encoding="utf-8")
    try:
        assert changed(repository, is_params) == touched
    finally:
        path.write_text(before, encoding="utf-8")
    assert not spared & downstream(touched)
