"""The order of the stages is what DVC makes of dvc.yaml, or is refused with DVC's reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo

from stages.commands.exit_codes import CommandError
from stages.commands.schedule.stage_order import order
from tests.support.repository import PIPELINE, ROOT

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty DVC repository, worked in."""
    monkeypatch.chdir(tmp_path)
    Repo.init(str(tmp_path), no_scm=True).close()
    return tmp_path


def write(folder: Path, **stages: dict[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}), encoding="utf-8")


def stage(reads: str, writes: str) -> dict[str, Any]:
    return {"cmd": f"cp {reads} {writes}", "deps": [reads], "outs": [writes]}


def test_every_stage_of_the_pipeline_comes_after_what_it_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    found = order()
    assert found.keys() == PIPELINE.keys()
    names = list(found)
    assert names[0] == "ingest"
    assert found["prepare"] == ["ingest"]
    assert {"train_text", "train_image"} <= set(found["fuse"])
    for name, before in found.items():
        assert all(names.index(other) < names.index(name) for other in before)


def test_a_new_stage_is_found(folder: Path) -> None:
    write(folder, last=stage("b", "c"), first=stage("a", "b"))
    assert order() == {"first": [], "last": ["first"]}
    write(folder, last=stage("b", "c"), first=stage("a", "b"), new=stage("c", "d"))
    assert order()["new"] == ["last"]


def test_templates_are_listed_one_by_one(folder: Path) -> None:
    write(
        folder,
        first=stage("a", "b"),
        each={"foreach": ["x", "y"], "do": stage("b", "${item}")},
        grid={"matrix": {"one": [1, 2]}, **stage("x", "g${item.one}")},
    )
    assert order() == {
        "first": [],
        "each@x": ["first"],
        "each@y": ["first"],
        "grid@1": ["each@x"],
        "grid@2": ["each@x"],
    }


def test_other_folders_and_data_that_nothing_makes(folder: Path) -> None:
    (folder / "data.csv").write_text("a\n", encoding="utf-8")
    with Repo(str(folder)) as repo:
        repo.add(str(folder / "data.csv"))
    write(folder, first=stage("data.csv", "b"))
    write(folder / "below", last=stage("../b", "c"))
    assert order() == {"first": [], "below/dvc.yaml:last": ["first"]}


def test_what_dvc_refuses_is_refused_with_its_reason(folder: Path) -> None:
    with pytest.raises(CommandError, match="no stage is found: expected a dvc"):
        order()
    write(folder, first=stage("a", "b"), second=stage("b", "a"))
    with pytest.raises(CommandError, match="both a dependency and an output"):
        order()
    write(folder, first=stage("a", "b"), second=stage("c", "b"))
    with pytest.raises(CommandError, match="output 'b'"):
        order()
    write(folder, first={"cmd": "echo ${absent}"})
    with pytest.raises(CommandError, match="absent"):
        order()
    (folder / "dvc.yaml").write_text("stages:\n  first: [", encoding="utf-8")
    with pytest.raises(CommandError, match=r"dvc\.yaml"):
        order()


def test_no_repository_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match="DVC repo"):
        order()
