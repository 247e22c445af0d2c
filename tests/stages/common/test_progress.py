"""Progress: a bar on a terminal, a few whole lines elsewhere, nothing of what is over at once."""

from __future__ import annotations

import io
import re
import sys

import pytest

from stages.common import progress as module
from stages.common.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_in_a_log_each_look_is_a_line_with_the_time_that_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LINE_SECONDS", 0.0)
    for _ in progress(range(4), title="train_image", unit="fits"):
        pass
    told = capsys.readouterr().err
    assert "\r" not in told
    lines = told.splitlines()
    form = r"train_image: (\d+) %, (\d) of 4 fits in 00:0\d, (\?|00:0\d) left"
    found = [match for line in lines if (match := re.fullmatch(form, line))]
    assert len(found) == len(lines) > 4, told
    assert [match[2] for match in found[1:5]] == list("1234")


def test_in_a_log_nothing_is_told_of_what_is_over_at_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress(total=3, title="short", unit="steps") as bar:
        for _ in range(3):
            bar.update()
    assert capsys.readouterr().err == ""


def test_on_a_terminal_it_is_a_bar_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(module, "BAR_SECONDS", 0.0)
    for _ in progress(range(4), title="images", unit="pictures"):
        pass
    told = terminal.getvalue()
    assert told.count("\n") == 1
    assert told.count("\rimages: ") > 4
    assert "pictures/s" in told
