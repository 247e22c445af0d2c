"""Metrics in lines that fit a terminal, and how they differ from another revision's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stages.commands.results.metrics import WIDTH, lines
from tests.support.repository import attempt, clone, run

LONG = "both.a_name_that_is_longer_than_there_is_room_for_in_any_line"
NOW = {"metrics/e.json": {"products": 1263, "weighted_f1": 0.84471, LONG: 0.5}}
BEFORE = {"metrics/e.json": {"products": 1200, "weighted_f1": 0.85, "gone": 1.0}}


def test_each_figure_has_a_line_below_its_file() -> None:
    head, *rows = lines({"workspace": NOW})
    assert head.split() == ["metrics/e.json", "workspace"]
    assert [line.split()[-1] for line in rows] == ["1,263", "0.8447", "0.5000"]


def test_beside_another_revision_what_changed_and_what_is_not_there() -> None:
    printed = lines({"a-long-name-of-a-branch": BEFORE, "workspace": NOW})
    cells = {line.split()[0]: line.split()[1:] for line in printed}
    assert cells["metrics/e.json"] == ["a-long-nam", "workspace", "change"]
    assert cells["products"] == ["1,200", "1,263", "+63"]
    assert cells["weighted_f1"] == ["0.8500", "0.8447", "-0.0053"]
    assert cells["gone"] == ["1.0000", "–"]


@pytest.mark.parametrize("others", [(), ("HEAD",), ("HEAD", "HEAD~1")])
def test_no_line_is_wider_than_a_terminal(others: tuple[str, ...]) -> None:
    printed = lines({**dict.fromkeys(others, BEFORE), "workspace": NOW})
    assert max(map(len, printed)) <= WIDTH == 80


@pytest.mark.slow
def test_the_workspace_beside_a_revision(tmp_path: Path) -> None:
    repository = clone(tmp_path)
    path = repository / "metrics/evaluation.json"
    figures = json.loads(path.read_text(encoding="utf-8"))
    figures["weighted_f1"] += 0.125
    path.write_text(json.dumps(figures), encoding="utf-8")
    told = run(repository, "stages.commands", "results", "metrics", "HEAD")
    assert max(map(len, told.splitlines())) <= WIDTH
    [line] = [line for line in told.splitlines() if line.startswith("  weighted_f1")]
    assert line.split()[-1] == "+0.1250"
    refused = attempt(repository, "stages.commands", "results", "metrics", "nowhere")
    assert refused.returncode == 1
    assert "unknown Git revision 'nowhere'" in refused.stderr
