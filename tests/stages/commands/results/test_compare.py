"""Two results held against each other: every output counted, what is missing with its command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from stages.commands import repository
from stages.commands.__main__ import main
from stages.commands.results import compare
from stages.common.settings import load
from tests.support.repository import ROOT


def result(folder: Path, f1: float, **models: str | None) -> Path:
    """A result with a metric and outputs; a content of None is locked, but not at hand."""
    outs = [{"path": "metrics/scores.json", "md5": str(f1), "size": 1}]
    (folder / "metrics").mkdir(parents=True)
    (folder / "metrics/scores.json").write_text(json.dumps({"f1": f1}), encoding="utf-8")
    for name, content in models.items():
        outs.append({"path": f"models/{name}.json", "md5": f"{name} {content}", "size": 1})
        if content is not None:
            (folder / "models").mkdir(exist_ok=True)
            (folder / f"models/{name}.json").write_text(content, encoding="utf-8")
    lock = {"schema": "2.0", "stages": {"train": {"cmd": "x", "outs": outs}}}
    (folder / "dvc.lock").write_text(yaml.safe_dump(lock), encoding="utf-8")
    return folder


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = result(tmp_path / "mine", 0.84, text="1.0", image="2.0")
    monkeypatch.setattr(repository, "ROOT", folder)
    monkeypatch.chdir(ROOT)
    return folder


@pytest.mark.parametrize(
    ("f1", "text", "status", "told"),
    [
        (0.84, "1.0", 0, "3 equal, 0 agrees, 0 differs, 0 not at hand"),
        (0.82, "1.0001", 0, "1 equal, 2 agrees, 0 differs, 0 not at hand"),
        (0.79, "1.0", 1, "2 equal, 0 agrees, 1 differs, 0 not at hand"),
        (0.84, None, 5, "2 equal, 0 agrees, 0 differs, 1 not at hand"),
        (0.79, None, 1, "1 equal, 0 agrees, 1 differs, 1 not at hand"),
    ],
)
def test_every_output_is_counted(
    f1: float,
    text: str | None,
    status: int,
    told: str,
    mine: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = result(tmp_path / "other", f1, text=text, image="2.0")
    with pytest.raises(SystemExit) as ended:
        main(["results", "compare", str(other)])
    assert ended.value.code == status
    printed = capsys.readouterr().out
    assert printed.strip().endswith(f"3 outputs: {told}")
    command = f"cd {other} && (dvc checkout models/text.json || dvc pull models/text.json)"
    assert (command in printed) is (text is None)


def test_what_is_missing_here_or_in_a_revision_has_its_command(mine: Path, tmp_path: Path) -> None:
    (mine / "models/image.json").unlink()
    other = result(tmp_path / "other", 0.84, text=None, image="3.0")
    findings = compare.compare_outputs(mine, other, load().compare, "v1")
    words = {finding.path: finding.words for finding in findings}
    assert words["models/image.json"].endswith(
        "dvc checkout models/image.json || dvc pull models/image.json"
    )
    assert "git worktree add ../v1 v1 && cd ../v1 && dvc repro train" in words["models/text.json"]
