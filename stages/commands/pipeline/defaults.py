"""Back to the committed configuration and its results after an experiment: `make defaults`.

`dvc exp apply` and `dvc exp run` leave the experiment's params.yaml, dvc.lock, metrics and outputs
in the working tree. These go back to what is committed. What a person typed is told apart and kept:
a params.yaml that neither git nor conf/ has is moved beside, and edits of other files stay where
they are.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import yaml
from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo, lock_repo

from stages.commands.repository import ROOT, ResultError, git
from stages.commands.results import git_content
from stages.commands.results.dvc_lock import LOCK

PARAMS = git_content.PARAMS


def put_back() -> list[str]:
    """Put params.yaml, dvc.lock, the metrics and the outputs back; what was done, in lines.

    Raises ResultError when nothing is committed, LockError when DVC is at work.
    """
    git("cat-file", "-e", f"HEAD:./{PARAMS}")
    with Repo(str(ROOT)) as repo, lock_repo(repo):
        told = _parameters()
        measured = _measured()
        changed = _changed([LOCK, *measured])
        _checkout([LOCK, *measured])
        told += [f"{path}: back to what is committed" for path in _grouped(changed, measured)]
        repo.checkout(force=True, allow_missing=True)
    return [*told, *_kept()]


def _parameters() -> list[str]:
    """Put params.yaml back, and aside what only it held."""
    path = ROOT / PARAMS
    if not _changed([PARAMS]):
        return []
    told = f"{PARAMS}: back to what is committed"
    if path.is_file() and not git_content.known(ROOT, PARAMS, git_content.blob(ROOT, PARAMS)):
        aside = _free()
        path.rename(aside)
        told += f"; it was edited by hand, and that is kept as {aside.name}"
    _checkout([PARAMS])
    return [told]


def _free() -> Path:
    """A name beside params.yaml that nothing has yet."""
    names = (ROOT / f"params.edited{number or ''}.yaml" for number in itertools.count())
    return next(path for path in names if not path.exists())


def _measured() -> list[str]:
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
    tracked = git("diff", "--name-only", "--no-renames", "-z", "HEAD", "--", *paths)
    new = git("ls-files", "--others", "--exclude-standard", "-z", "--", *paths)
    return [path for path in (tracked + new).split("\0") if path]


def _checkout(paths: list[str]) -> None:
    """Make what is at or below `paths` what is committed, and remove what is not."""
    committed = git("ls-tree", "-r", "-z", "--name-only", "HEAD", "--", *paths).split("\0")[:-1]
    for path in set(_changed(paths)) - set(committed):
        git("rm", "--cached", "--quiet", "--ignore-unmatch", "--", path)
        (ROOT / path).unlink(missing_ok=True)
    if committed:
        git("checkout", "--quiet", "HEAD", "--", *committed)


def _grouped(files: list[str], outputs: list[str]) -> list[str]:
    """Each output that has one of `files`, and each file that is of none."""
    named = (
        next((out for out in outputs if file == out or file.startswith(f"{out}/")), file)
        for file in files
    )
    return list(dict.fromkeys(named))


def _kept() -> list[str]:
    """What else is not as committed, and whether git has it."""
    told = []
    for path in _changed(["."]):
        content = git_content.blob(ROOT, path)
        has = content and git_content.known(ROOT, path, content)
        where = f"git has it as well: git checkout HEAD -- {path}" if has else "only here"
        told.append(f"{path}: kept as it is ({where})")
    return told


def main() -> int:
    """Put back, and say what was done and what was kept; the exit status."""
    try:
        told = put_back()
    except LockError:
        print("defaults: DVC is at work here; wait for it, then run it again", file=sys.stderr)
        return 1
    except (ResultError, DvcException) as error:
        print(f"defaults: {error}", file=sys.stderr)
        return 1
    print(*(told or ["all is as committed"]), sep="\n")
    print("\nOutputs that DVC's cache has are those of dvc.lock; `make results` brings the others.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
