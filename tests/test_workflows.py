"""The workflows: what they run is what people run, nothing is unpinned, no secret is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.repository import ROOT, called

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")


def steps(path: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def test_there_are_workflows() -> None:
    assert {path.stem for path in WORKFLOWS} == {"check", "pipeline", "processors"}


def test_actionlint_finds_nothing() -> None:
    done = called(ROOT, "actionlint")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_and_tokens_are_read_only_by_default(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for step in steps(path):
        assert "uses" not in step or PINNED.fullmatch(step["uses"]), step
    writing = [job for job in workflow["jobs"].values() if "permissions" in job]
    for job in writing:
        assert not any("checkout" in step.get("uses", "") for step in job["steps"])
        assert "head.repo.full_name == github.repository" in job["if"]
    assert "secrets." not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_runs_are_targets_that_people_have(path: Path) -> None:
    for step in steps(path):
        for target in re.findall(r"make (?:--silent )?([a-z-]+)", step.get("run", "")):
            assert target in TARGETS
        assert not re.search(r"\b(python|dvc|pytest|pip)\b", step.get("run", "")), step
