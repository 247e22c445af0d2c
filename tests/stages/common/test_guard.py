"""The guard: what a stage reads is noted, and every change while it runs is named."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.common.guard import ChangedError, clear, declared, require_same, take
from stages.common.output import StageError
from tests.support.repository import ROOT

PIPELINE = """
stages:
  demo:
    cmd: python -m stages demo
    deps:
      - ${data.watched.images}
      - ${data.watched.codes}
      - code.py
      - folder
    params:
      - text.penalty
      - train
    outs:
      - models/demo
      - metrics/demo.json:
          cache: false
"""
PARAMS = """
data: {watched: {images: raw.csv, codes: "https://example.org/codes.csv"}}
text: {penalty: 1, other: 2}
train: {epochs: 3}
"""


@pytest.fixture(autouse=True)
def _pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "dvc.yaml": PIPELINE,
        "params.yaml": PARAMS,
        "raw.csv": "a,b\n",
        "code.py": "x = 1\n",
        "folder/part.bin": "bytes",
        ".dvcignore": (ROOT / ".dvcignore").read_text(encoding="utf-8"),
    }.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")


def append(name: str) -> None:
    with Path(name).open("a", encoding="utf-8") as file:
        file.write("# more\n")


def undo(name: str) -> None:
    stored = Path(name).read_bytes()
    append(name)
    Path(name).write_bytes(stored)


def params(old: str, new: str) -> None:
    Path("params.yaml").write_text(PARAMS.replace(old, new), encoding="utf-8")


def refused(change: Callable[[], object]) -> str:
    stage = declared("demo")
    before = take(stage)
    change()
    with pytest.raises(ChangedError) as error:
        require_same("demo", before, take(stage))
    return str(error.value)


def test_what_is_declared_is_read_with_references_resolved() -> None:
    stage = declared("demo")
    assert stage.dependencies == (Path("raw.csv"), Path("code.py"), Path("folder"))
    assert stage.parameters == ("text.penalty", "train")
    assert stage.outputs == (Path("models/demo"), Path("metrics/demo.json"))


def test_nothing_changed_is_fine() -> None:
    stage = declared("demo")
    require_same("demo", take(stage), take(stage))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda: append("code.py"), "code.py was written while demo ran"),
        (lambda: append("raw.csv"), "raw.csv was written"),
        (lambda: undo("code.py"), "code.py was written"),
        (lambda: append("folder/part.bin"), "folder/part.bin was written"),
        (lambda: append("folder/new.bin"), "folder/new.bin appeared"),
        (lambda: append("folder/new.py"), "folder/new.py appeared"),
        (lambda: Path("folder/part.bin").unlink(), "folder/part.bin disappeared"),
        (lambda: Path("code.py").unlink(), "code.py disappeared"),
        (lambda: params("penalty: 1", "penalty: 5"), "text.penalty was 1 when demo started and"),
        (lambda: params("epochs: 3", "epochs: 4"), "train was {'epochs': 3}"),
        (lambda: params("penalty: 1, ", ""), "is None now"),
    ],
)
def test_every_change_is_named(change: Callable[[], object], named: str) -> None:
    message = refused(change)
    assert named in message
    assert "make repro" in message


@pytest.mark.parametrize("name", ["folder/__pycache__/part.cpython-311.pyc", "folder/part.pyc"])
def test_what_dvc_ignores_may_change(name: str) -> None:
    stage = declared("demo")
    before = take(stage)
    Path(name).parent.mkdir(exist_ok=True)
    append(name)
    require_same("demo", before, take(stage))


def test_without_a_dvcignore_every_file_counts() -> None:
    Path(".dvcignore").unlink()
    assert "folder/part.pyc appeared" in refused(lambda: append("folder/part.pyc"))


def test_parameters_of_other_stages_may_change() -> None:
    stage = declared("demo")
    before = take(stage)
    params("other: 2", "other: 7")
    require_same("demo", before, take(stage))


def test_an_unknown_stage_is_named_with_the_known_ones() -> None:
    with pytest.raises(StageError, match=r"no stage 'other'; expected one of demo"):
        declared("other")


def test_outputs_are_removed_and_the_cache_behind_a_link_is_not_written() -> None:
    cached = Path("cached")
    cached.write_text("kept", encoding="utf-8")
    Path("models/demo").mkdir(parents=True)
    os.link(cached, "models/demo/model.h5")
    Path("metrics").mkdir()
    os.link(cached, "metrics/demo.json")
    clear(declared("demo"))
    assert not Path("models/demo").exists()
    assert not Path("metrics/demo.json").exists()
    assert cached.read_text(encoding="utf-8") == "kept"
    clear(declared("demo"))


def runner(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "stages", *words],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_runner_tells_faults_without_a_traceback() -> None:
    assert "usage: python -m stages STAGE" in runner().stderr
    unknown = runner("other")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("other: dvc.yaml has no stage")
    Path("dvc.yaml").write_text(PIPELINE.replace("demo", "ingest"), encoding="utf-8")
    refused = runner("ingest")
    assert refused.returncode == 1
    assert refused.stderr.startswith("ingest: params.yaml is refused")
    Path("dvc.yaml").unlink()
    assert "run from the repository's root" in runner("ingest").stderr
