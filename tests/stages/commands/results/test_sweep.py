"""A sweep runs to its end, shows what it reached, and fails when one of its runs did."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stages.commands.__main__ import main
from stages.commands.results import experiment_list, sweep
from tests.support.repository import git, run

pytestmark = pytest.mark.slow

SCORE = (
    "import json, pathlib, yaml; x = yaml.safe_load(open('params.yaml'))['x']; assert x < 3; "
    "pathlib.Path('metrics').mkdir(exist_ok=True); pathlib.Path('metrics/evaluation.json')"
    ".write_text(json.dumps({'products': 9, 'weighted_f1': x / 10}))"
)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pipeline of one stage, which fails from x = 3 on."""
    stage = {
        "cmd": f'python -c "{SCORE}"',
        "params": ["x"],
        "metrics": [{"metrics/evaluation.json": {"cache": False}}],
    }
    (tmp_path / "params.yaml").write_text("x: 0\n", encoding="utf-8")
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"score": stage}}), "utf-8")
    git(tmp_path, "init", "--quiet")
    for key, value in (("user.name", "t"), ("user.email", "t@localhost")):
        git(tmp_path, "config", key, value)
    run(tmp_path, "dvc", "init", "--quiet")
    run(tmp_path, "dvc", "repro", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "zero")
    for module in (sweep, experiment_list):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    return tmp_path


def test_a_sweep_with_a_failed_run_fails_once_the_others_are_shown(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SWEEP", "-S 'x=1,2,3'")
    with pytest.raises(SystemExit) as ended:
        main(["results", "sweep"])
    printed = capfd.readouterr()
    assert ended.value.code == 1
    assert "failed; the whole log: dvc queue logs NAME" in printed.err
    assert "AssertionError" in printed.err, "the failed run's own words"
    scores = [word for word in printed.out.split() if word.startswith("0.")]
    assert scores == ["0.2000", "0.1000", "0.0000"]
    assert "(failed)" in printed.out
    monkeypatch.delenv("SWEEP")
    with pytest.raises(SystemExit) as ended:
        main(["results", "sweep", "-S", "x=1.5"])
    assert ended.value.code == 0, "what failed before is not this sweep's"
