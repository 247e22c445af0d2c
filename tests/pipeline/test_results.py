"""Results held against each other, on real small runs: gate, promotion, comparison, provenance."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import yaml

from tests.support.repository import ENVIRONMENT, SMALL, WITHOUT_PICTURES, attempt, git, run

pytestmark = pytest.mark.slow

NO_BASELINE, STALE, MISSING, UNKNOWN = 3, 4, 5, 6


@pytest.fixture
def repository(small_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small_run, tmp_path / "copy", symlinks=True)


def locked(repository: Path, path: str) -> str:
    stages = yaml.safe_load((repository / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    (found,) = [out["md5"] for of in stages.values() for out in of["outs"] if out["path"] == path]
    return str(found)


def test_a_result_is_not_worse_than_itself_and_no_promotion(repository: Path) -> None:
    table = run(repository, "stages.commands", "quality", "gate", "HEAD")
    assert table.startswith("### Not worse than HEAD")
    for name in (
        *("weighted F1", "macro F1", "precision of the accepted", "coverage at 95"),
        *("calibration", "bytes", "seconds"),
    ):
        (row,) = [line for line in table.splitlines() if line.startswith("| ") and name in line]
        assert row.endswith("| ok |")
    promotion = attempt(repository, "stages.commands", "quality", "promotion", "HEAD")
    assert promotion.returncode == 1
    assert "not told apart" in promotion.stdout
    stages = yaml.safe_load((repository / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    read = {dep["path"]: dep["md5"] for dep in stages["evaluate"]["deps"]}
    assert f"(md5 {read['data/prepared/test.parquet']})" in promotion.stdout


def test_a_loss_of_quality_fails_and_is_traced(repository: Path) -> None:
    base = locked(repository, "models/classifier")
    worse = (*WITHOUT_PICTURES, "-S", "text.least=100")  # hardly an n-gram is left
    run(repository, "dvc", "exp", "run", *worse)
    gate = attempt(repository, "stages.commands", "quality", "gate", "HEAD")
    assert gate.returncode == 1, gate.stderr
    assert re.search(r"^### Worse than HEAD: .*weighted F1", gate.stdout)
    assert re.search(r"\| weighted F1 .*\*\*worse\*\*", gate.stdout)
    compared = attempt(repository, "stages.commands", "results", "compare", "HEAD")
    assert compared.returncode == 1
    assert re.search(r"^equal +data/prepared", compared.stdout, re.M)
    assert re.search(r"^differs +models/classifier +\S+: ", compared.stdout, re.M)
    assert compared.stdout.strip().endswith(" differs, 0 not at hand")

    told = run(repository, "stages.commands", "results", "lineage", base)
    assert git(repository, "rev-parse", "HEAD").strip() in told
    assert f"data/raw  {locked(repository, 'data/raw')}" in told
    assert re.search(r"^code        [1-9][0-9]* packages and modules, all as there$", told, re.M)
    assert "model: ngrams" in told
    experiment = run(
        repository, "stages.commands", "results", "lineage", locked(repository, "models/classifier")
    )
    assert "contained   refs/exps/" in experiment or "exps/" in experiment
    assert "least: 100" in experiment
    shortened = run(repository, "stages.commands", "results", "lineage", base[:12])
    assert shortened == told


def test_a_result_equals_itself_whether_named_by_revision_or_folder(
    repository: Path, small_run: Path
) -> None:
    for other in ("HEAD", str(small_run)):
        table = run(repository, "stages.commands", "results", "compare", other)
        assert table.strip().endswith("0 agrees, 0 differs, 0 not at hand")


def remove_outputs(repository: Path) -> str:
    shutil.rmtree(repository / "models/classifier")
    return "HEAD"


def remove_metrics(repository: Path) -> str:
    (repository / "metrics/evaluation.json").unlink()
    return "HEAD"


def break_lock(repository: Path) -> str:
    (repository / "dvc.lock").write_text("<<<<<<< HEAD\n", encoding="utf-8")
    return "HEAD"


def commit_without_running(repository: Path) -> str:
    path = repository / "stages/fusion/fitting.py"
    text = path.read_text(encoding="utf-8")
    for content in (f"{text}# changed\n", text):
        path.write_text(content, encoding="utf-8")
        git(repository, "commit", "--quiet", "--all", "--message", "code alone")
    return "HEAD~1"


def forget_lock(repository: Path) -> str:
    git(repository, "rm", "--quiet", "--cached", "dvc.lock")
    git(repository, "commit", "--quiet", "--message", "no lock")
    return "HEAD"


def change_code(repository: Path) -> str:
    with (repository / "stages/fusion/fitting.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    return "HEAD"


@pytest.mark.parametrize(
    ("prepare", "status", "words"),
    [
        (lambda _: "no-such-branch", NO_BASELINE, "names no commit"),
        (forget_lock, NO_BASELINE, "dvc.lock"),
        (change_code, STALE, "fuse changed since the last run, so this result is not"),
        (commit_without_running, STALE, "so HEAD~1 is not what its code"),
        (remove_outputs, MISSING, "outputs of export, evaluate"),
        (remove_metrics, MISSING, "outputs of evaluate, describe are missing"),
        (break_lock, UNKNOWN, "dvc status of this result fails"),
    ],
)
def test_neither_gate_nor_promotion_passes_by_absence(
    prepare: Callable[[Path], str], status: int, words: str, repository: Path
) -> None:
    base = prepare(repository)
    gate = attempt(repository, "stages.commands", "quality", "gate", base)
    assert gate.returncode == status, gate.stdout + gate.stderr
    assert gate.stdout.startswith("### No verdict")
    assert words in gate.stdout
    promotion = attempt(repository, "stages.commands", "quality", "promotion", base)
    assert promotion.returncode == status, promotion.stdout + promotion.stderr
    assert not promotion.stdout
    assert words in promotion.stderr


@pytest.mark.parametrize("wrong", ["", "xyz", "--all", "0123456789abcdef"])
def test_an_unknown_hash_is_said_to_be_unknown(wrong: str, repository: Path) -> None:
    done = attempt(repository, "stages.commands", "results", "lineage", "--", wrong)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr


def stage_process(parent: psutil.Process, stage: str) -> psutil.Process:
    """The process of a stage below a running `dvc repro`, once TensorFlow is in it."""
    while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
        for child in parent.children(recursive=True):
            try:
                if child.cmdline()[-2:] == ["stages", stage] and any(
                    "tensorflow" in name.path for name in child.memory_maps()
                ):
                    return child
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
    raise AssertionError(f"{stage} did not run")


@pytest.mark.parametrize("edited", ["stages/text/model.py", "params.yaml"])
def test_an_edit_while_a_stage_runs_fails_it_by_name(edited: str, repository: Path) -> None:
    before = (repository / "dvc.lock").read_bytes()
    with subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", "--force", "--single-item", "train_text"],
        cwd=repository,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        stage_process(psutil.Process(process.pid), "train_text")
        path = repository / edited
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("penalty: 0.25", "penalty: 0.5") + "\n", encoding="utf-8")
        output, _ = process.communicate()
    assert process.returncode != 0
    named = "text was" if edited == "params.yaml" else f"{edited} was written while train_text ran"
    assert named in output
    assert (repository / "dvc.lock").read_bytes() == before


def test_an_unseeded_shuffle_is_caught_and_what_differs_is_named(repository: Path) -> None:
    path = repository / "stages/preparation/split.py"
    text = path.read_text(encoding="utf-8")
    assert "table.sample(frac=1, random_state=seed)\n    total" in text
    path.write_text(
        text.replace(
            "table.sample(frac=1, random_state=seed)\n    total", "table.sample(frac=1)\n    total"
        ),
        encoding="utf-8",
    )
    git(repository, "commit", "--quiet", "--all", "--message", "unseeded")
    done = attempt(repository, "stages.commands", "proofs", "verify", *WITHOUT_PICTURES)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "DIFFERENT" in done.stdout
    first = done.stdout.split("First:\n")[1].splitlines()[0]
    assert re.search(r"data/prepared/test\.parquet \(prepare\): column id: ", first)


def test_progress_is_written_while_a_branch_trains(repository: Path) -> None:
    """DVCLive's curve has a line before the last epoch has ended."""
    curve = repository / "metrics/train_image/plots/metrics/eval/loss.tsv"
    options = (*SMALL, "-S", "image=cnn", "-S", "train.epochs=30")
    command = ("dvc", "exp", "run", *options, "train_image")
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", *command],
        cwd=repository,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        stage = stage_process(psutil.Process(process.pid), "train_image")
        while stage.is_running() and len(lines(curve)) < 3:
            assert process.poll() is None
        assert stage.is_running()
        process.kill()
    assert len(lines(curve)) < 31


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
