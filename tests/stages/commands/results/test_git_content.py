"""What git has of a file, wherever it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.commands.results.git_content import blob, is_kept
from tests.support.repository import git


@pytest.fixture
def merged(tmp_path: Path) -> Path:
    """A repository whose last commit merges two branches that changed one file in two places."""
    file = tmp_path / "file"

    def write(first: str, last: str) -> None:
        file.write_text("\n".join([first, *"abcdefgh", last, ""]))
        git(tmp_path, "add", "--all")
        git(tmp_path, "commit", "--quiet", "--message", "one")

    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "config", "user.email", "one@example.org")
    git(tmp_path, "config", "user.name", "One")
    write("1", "1")
    git(tmp_path, "checkout", "--quiet", "-b", "other")
    write("2", "1")
    git(tmp_path, "checkout", "--quiet", "main")
    write("1", "2")
    git(tmp_path, "merge", "--quiet", "--no-edit", "other")
    assert file.read_text().split()[0] == file.read_text().split()[-1] == "2"
    return tmp_path


def test_what_only_a_merge_has_is_kept(merged: Path) -> None:
    assert is_kept(merged, "file", blob(merged, "file"))


def test_what_was_typed_is_not(merged: Path) -> None:
    (merged / "file").write_text("typed")
    assert not is_kept(merged, "file", blob(merged, "file"))
