"""Go back to the committed configuration and its results after an experiment.

`dvc exp apply` and `dvc exp run` leave the experiment's params.yaml, dvc.lock, metrics and outputs
in the working tree. These go back to what is committed. What a person typed is told apart and kept:
a params.yaml that neither git nor conf/ has is moved beside, and edits of other files stay where
they are.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import yaml
from dvc.repo import Repo, lock_repo

from stages.commands import repository
from stages.commands.repository import ROOT, git, git_files
from stages.commands.results import git_content
from stages.commands.results.dvc_lock import LOCK

PARAMS = git_content.PARAMS


def restore() -> list[str]:
    """Put params.yaml, dvc.lock, the metrics and the outputs back; what was done, in lines.

    Raises CommandError when nothing is committed or another DVC is at work.
    """
    git("cat-file", "-e", f"HEAD:./{PARAMS}")
    with repository.dvc_refusals(), Repo(str(ROOT)) as repo, lock_repo(repo):
        lines = _restore_parameters()
        metrics = _metrics()
        changed = _changed([LOCK, *metrics])
        _checkout([LOCK, *metrics])
        lines += [f"{path}: back to what is committed" for path in _grouped(changed, metrics)]
        repo.checkout(force=True, allow_missing=True)
    return [*lines, *_edits()]


def _restore_parameters() -> list[str]:
    """Put params.yaml back, and aside what only it held."""
    path = ROOT / PARAMS
    if not _changed([PARAMS]):
        return []
    line = f"{PARAMS}: back to what is committed"
    if path.is_file() and not git_content.is_kept(ROOT, PARAMS, git_content.blob(ROOT, PARAMS)):
        aside = repository.unused_path(str(ROOT / "params.edited{}.yaml"))
        path.rename(aside)
        line += f"; it was edited by hand, and that is kept as {aside.name}"
    _checkout([PARAMS])
    return [line]


def _metrics() -> list[str]:
    """The outputs that git tracks instead of DVC's cache."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    outputs: list[Any] = [out for stage in stages.values() for out in stage.get("outs", ())]
    return [
        path
        for out in outputs
        if isinstance(out, dict)
        for path, options in out.items()
        if options.get("cache") is False
    ]


def _changed(paths: list[str]) -> list[str]:
    """Files at or below `paths` that are not as committed, new ones and deleted ones among them."""
    return [
        *git_files("diff", "--name-only", "--no-renames", "-z", "HEAD", "--", *paths),
        *git_files("ls-files", "--others", "--exclude-standard", "-z", "--", *paths),
    ]


def _checkout(paths: list[str]) -> None:
    """Make what is at or below `paths` what is committed, and remove what is not."""
    committed = git_files("ls-tree", "-r", "-z", "--name-only", "HEAD", "--", *paths)
    for path in set(_changed(paths)) - set(committed):
        git("rm", "--cached", "--quiet", "--ignore-unmatch", "--", path)
        (ROOT / path).unlink(missing_ok=True)
    if committed:
        git("checkout", "--quiet", "HEAD", "--", *committed)


def _grouped(files: list[str], outputs: list[str]) -> list[str]:
    """Each output that has one of `files`, and each file that is of none."""
    names = (
        next((out for out in outputs if file == out or file.startswith(f"{out}/")), file)
        for file in files
    )
    return list(dict.fromkeys(names))


def _edits() -> Iterator[str]:
    """What else is not as committed, and whether git has it."""
    for path in _changed(["."]):
        content = git_content.blob(ROOT, path)
        kept = content and git_content.is_kept(ROOT, path, content)
        back = f"git has it as well: git checkout HEAD -- {shlex.quote(path)}"
        where = back if kept else "only here"
        yield f"{path}: kept as it is ({where})"


def defaults() -> None:
    """Put back what an experiment changed, and say what is kept."""
    print(*(restore() or ["all is as committed"]), sep="\n")
    print("\nOutputs that DVC's cache has are those of dvc.lock; `make results` brings the others.")
