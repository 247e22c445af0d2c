"""Back to what is committed after an experiment, without losing what a person typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import tracked
from tests.support.repository import attempt, git, run

pytestmark = pytest.mark.slow

NAME = "brave-otter"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a result, its outputs in DVC's cache, and an experiment."""
    repository = tracked.make(tmp_path_factory.mktemp("defaults") / "repository")
    tracked.fill_cache(repository)
    head = git(repository, "rev-parse", "HEAD").strip()
    edit(repository / "params.yaml", "penalty: 0.25", "penalty: 0.75")
    edit(repository / "metrics/evaluation.json", '"accuracy"', '"accuracy_of_it"')
    edit(repository / "dvc.lock", "schema:", "# of the experiment\nschema:")
    curve = repository / "metrics/train_text/plots/metrics/eval/loss.tsv"
    curve.parent.mkdir(parents=True, exist_ok=True)
    curve.write_text("step\tloss\n0\t1\n", encoding="utf-8")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", NAME)
    git(repository, "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{NAME}", "HEAD")
    git(repository, "reset", "--quiet", "--hard", head)
    return repository


@pytest.fixture
def repository(made: Path) -> Path:
    """It, with the experiment applied; nothing of an earlier test is left."""
    git(made, "reset", "--quiet", "--hard")
    git(made, "clean", "--quiet", "-d", "--force", "-x", "--exclude", ".dvc", "--exclude", "models")
    attempt(made, "dvc", "exp", "apply", NAME)  # most outputs are in no cache, which it regrets
    assert "penalty: 0.75" in (made / "params.yaml").read_text(encoding="utf-8")
    return made


def test_an_applied_experiment_goes_and_nothing_is_kept_aside(repository: Path) -> None:
    said = run(repository, "stages.commands", "pipeline", "defaults")
    assert git(repository, "status", "--porcelain") == ""
    assert not list(repository.glob("params.edited*"))
    for path in ("params.yaml", "dvc.lock", "metrics/evaluation.json", "metrics/train_text"):
        assert f"{path}: back to what is committed\n" in said


def test_a_parameter_typed_after_it_is_kept_aside(repository: Path) -> None:
    for name in ("params.edited.yaml", "params.edited1.yaml"):
        edit(repository / "params.yaml", "epochs: 40", "epochs: 41")
        said = run(repository, "stages.commands", "pipeline", "defaults")
        assert f"edited by hand, and that is kept as {name}" in said
        assert "epochs: 41" in (repository / name).read_text(encoding="utf-8")
        assert git(repository, "status", "--porcelain") == ""


def test_edits_of_other_files_stay_and_are_named(repository: Path) -> None:
    edit(repository / "stages/text/ridge.py", '"""', '"""Edited. ')
    (repository / "conf/text/mine.yaml").write_text("model: mine\n", encoding="utf-8")
    said = run(repository, "stages.commands", "pipeline", "defaults")
    assert "stages/text/ridge.py: kept as it is (only here)" in said
    assert "conf/text/mine.yaml: kept as it is (only here)" in said
    changed = re.findall(r"\S+$", git(repository, "status", "--porcelain"), re.M)
    assert set(changed) == {"stages/text/ridge.py", "conf/text/mine.yaml"}


def test_outputs_are_those_of_the_committed_lock(repository: Path) -> None:
    graph = repository / "models/classifier/text.onnx"
    committed = graph.read_bytes()
    graph.unlink()
    graph.write_bytes(b"of the experiment")
    run(repository, "stages.commands", "pipeline", "defaults")
    assert graph.read_bytes() == committed


def test_where_all_is_as_committed_nothing_is_done(repository: Path) -> None:
    run(repository, "stages.commands", "pipeline", "defaults")
    assert run(repository, "stages.commands", "pipeline", "defaults").startswith(
        "all is as committed\n"
    )


def test_without_a_commit_it_says_so(tmp_path: Path, repository: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    git(repository, "checkout-index", "--all", f"--prefix={empty}/")
    git(empty, "init", "--quiet")
    done = attempt(empty, "stages.commands", "pipeline", "defaults")
    assert done.returncode == 3
    assert "defaults: git cat-file" in done.stderr
    assert "Traceback" not in done.stderr
