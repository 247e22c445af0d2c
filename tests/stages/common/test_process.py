"""A stage runs with the project's Python from wherever it is started, and ends with its parent."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from stages.common import process
from stages.common.determinism import ENVIRONMENT
from stages.common.process import project_python
from tests.support.imports import names
from tests.support.repository import ROOT, unactivated
from tests.support.waiting import PATIENCE

LOADED_BY_ANY_PYTHON = (
    *("__main__", "common/determinism", "common/output", "common/process", "common/processor"),
)
WATCHED = """
import os, sys
from stages.common import process
process._ROOT = process.Path(sys.argv[1])
process.start_again()
print(sys.executable, sys.flags.hash_randomization, sys.argv[2:], sys.warnoptions)
"""


def started(python: str | Path, repository: Path, *options: str, **environment: str) -> list[str]:
    """What a process says of itself once it has started again: its Python, and the rest."""
    done = subprocess.run(  # noqa: S603
        [python, *options, "-c", WATCHED, repository, "kept"],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split(maxsplit=1)


def repository_with_environment(folder: Path) -> Path:
    (folder / ".dvc").mkdir(parents=True)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.mark.parametrize("pins", [{}, ENVIRONMENT], ids=["unpinned", "pinned"])
@pytest.mark.slow
def test_the_environment_of_the_repository_takes_over(pins: dict[str, str], tmp_path: Path) -> None:
    environment = unactivated(tmp_path / "bin") | pins
    repository = repository_with_environment(tmp_path / "repository")
    python, rest = started(tmp_path / "bin" / "python3", repository, **environment)
    assert python == str(repository / ".venv/bin/python")
    assert rest == "0 ['kept'] []\n"
    assert started(python, repository)[0] == python


def test_it_starts_once_more_at_most(tmp_path: Path) -> None:
    """Also by another of the environment's own names, and where PYTHONHOME moves its prefix."""
    repository = repository_with_environment(tmp_path / "repository")
    python = f"{repository}/.venv/bin/python3"
    assert started(python, repository, **ENVIRONMENT)[0] == python
    assert started(python, repository, PYTHONHOME=sys.base_prefix)[0].startswith(f"{repository}/")


def test_without_an_environment_the_running_python_stays(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    assert started(sys.executable, tmp_path) == [sys.executable, "0 ['kept'] []\n"]


def test_options_of_the_interpreter_are_kept(tmp_path: Path) -> None:
    repository = repository_with_environment(tmp_path / "repository")
    unactivated(tmp_path / "bin")
    said = started(tmp_path / "bin" / "python3", repository, "-W", "error::UserWarning")
    assert said == [f"{repository}/.venv/bin/python", "0 ['kept'] ['error::UserWarning']\n"]


@pytest.mark.parametrize(
    ("root", "environment", "found"),
    [
        ("a", "a", True),
        ("a/.dvc/tmp/exps/one", "a", True),
        ("a", ".", False),
    ],
)
def test_only_a_repository_around_it_counts(
    root: str, environment: str, found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("a", root):
        (tmp_path / folder / ".dvc").mkdir(parents=True, exist_ok=True)
    (tmp_path / environment / ".venv").symlink_to(sys.prefix)
    monkeypatch.setattr(process, "_ROOT", tmp_path / root)
    expected = tmp_path / environment / ".venv" / "bin" / "python"
    assert project_python() == (expected if found else None)


def test_a_link_that_leads_nowhere_is_no_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(tmp_path / "gone")
    monkeypatch.setattr(process, "_ROOT", tmp_path)
    assert project_python() is None


@pytest.mark.parametrize("module", LOADED_BY_ANY_PYTHON)
def test_what_any_python_loads_suits_any_python(module: str) -> None:
    path = Path("stages") / f"{module}.py"
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"), feature_version=(3, 8))
    first = {name.split(".")[0] for name in names(path)}
    assert first - {"stages"} <= sys.stdlib_module_names
    top = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    own = {name.removeprefix("stages.").replace(".", "/") for name in top if "stages" in str(name)}
    assert own <= set(LOADED_BY_ANY_PYTHON)


def test_a_stage_ends_when_its_parent_is_killed() -> None:
    child = (
        "from stages.common.process import end_with_parent; import os, time; end_with_parent(); "
        "print(os.getpid(), flush=True); time.sleep(600)"
    )
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", parent],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        assert process.stdout.read() == ""  # the pipe ends when the child, its last writer, does


def test_a_worker_ends_whose_parent_was_gone_before_it_asked(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(
        """
import multiprocessing, os, time
from stages.common.process import end_with_parent

def work(parent):
    print(os.getpid(), flush=True)
    while os.getppid() == parent:
        time.sleep(0.01)
    end_with_parent()
    time.sleep(600)

if __name__ == "__main__":
    multiprocessing.get_context("spawn").Process(target=work, args=(os.getpid(),)).start()
""",
        encoding="utf-8",
    )
    with subprocess.Popen(  # noqa: S603
        [sys.executable, tmp_path / "late.py"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        process.kill()
        try:
            psutil.Process(worker).wait(PATIENCE)
        except psutil.NoSuchProcess:
            pass  # gone before it could be looked at
        finally:
            if psutil.pid_exists(worker):
                os.kill(worker, signal.SIGKILL)
                pytest.fail("the worker outlived its parent")
