"""From the `model` of an answer back to what made it: `make whence HASH=<hash>`.

The service answers with the hash that dvc.lock gives models/classifier. Every dvc.lock that git
knows, of branches and of experiments, is searched for it; any other output's hash is found too.

Exit status: 0 found, 1 not.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import yaml

from stages.commands.repository import ROOT, ResultError, git
from stages.commands.results import dvc_lock

Files = Callable[[str], dict[str, bytes]]
"""The files at or below a path of the repository, each by its way from there ("." for a file)."""

_CODE = ("stages", "serving")
_DATA = ("ingest", "prepare")
_HASH = re.compile(r"^[0-9a-f]{6,32}(\.dir)?$")


def commits(wanted: str) -> Iterator[str]:
    """Commits that brought `wanted` into dvc.lock or took it away, oldest first: those of branches
    and tags, then those of experiments."""
    for refs in (("HEAD", "--branches", "--tags", "--remotes"), ("--all",)):
        pickaxe = ("--reverse", "--format=%H", f"-S{wanted}")
        yield from git("log", *refs, *pickaxe, "--", dvc_lock.LOCK).split()


def describe(wanted: str, text: str, files: Files) -> str | None:
    """What the dvc.lock `text` says of the output `wanted`; None when it locks no such output.

    `files` gives those of the same moment, to tell whether they are the code that ran.
    """
    stages = dvc_lock.parse(text)
    for path, out in dvc_lock.outputs(stages).items():
        if out.hash.startswith(wanted):
            return _description(path, out, stages, files)
    return None


def _description(path: str, out: dvc_lock.Locked, stages: dict[str, Any], files: Files) -> str:
    before = _upstream(out.stage, stages)
    outputs = dvc_lock.outputs(stages)
    parameters: dict[str, Any] = {}
    for name in before:
        for values in stages[name].get("params", {}).values():
            for key, value in values.items():
                _put(parameters, key.split("."), value)
    code = {
        dep["path"]: dep["md5"]
        for name in before
        for dep in stages[name].get("deps", ())
        if dep["path"].split("/")[0] in _CODE
    }
    other = [each for each, md5 in code.items() if dvc_lock.content_hash(files(each)) != md5]
    lines = [
        f"output      {path}  {out.hash}  ({out.size:,} bytes, made by {out.stage})",
        *(
            f"data        {each}  {outputs[each].hash}"
            for name in before
            if name in _DATA
            for each in _paths(stages[name])
            if each.startswith("data/")
        ),
        f"stages      {' '.join(before)}",
        f"code        {len(code)} packages and modules, "
        + (f"not as there: {', '.join(other)}" if other else "all as there"),
        "parameters",
        *(f"  {line}" for line in yaml.safe_dump(parameters, sort_keys=True).splitlines()),
    ]
    return "\n".join(lines)


def _put(tree: dict[str, Any], keys: list[str], value: Any) -> None:
    """Store `value` under a dotted key; a section is joined with what is there of it."""
    for key in keys[:-1]:
        tree = tree.setdefault(key, {})
    if isinstance(value, dict):
        tree.setdefault(keys[-1], {}).update(value)
    else:
        tree[keys[-1]] = value


def _upstream(stage: str, stages: dict[str, Any]) -> list[str]:
    """`stage` and all whose outputs it read, directly or through others, in pipeline order."""
    reached = {stage}
    waiting = [stage]
    while waiting:
        read = [dep["path"] for dep in stages[waiting.pop()].get("deps", ())]
        for name, other in stages.items():
            written = _paths(other)
            if name not in reached and any(
                path == out or path.startswith(out + "/") for path in read for out in written
            ):
                reached.add(name)
                waiting.append(name)
    return [name for name in stages if name in reached]


def _paths(stage: dict[str, Any]) -> list[str]:
    return [out["path"] for out in stage.get("outs", ())]


def _committed(commit: str, path: str) -> dict[str, bytes]:
    names = git("ls-tree", "-r", "-z", "--name-only", commit, "--", path).split("\0")[:-1]
    return {
        os.path.relpath(name, path): subprocess.run(  # noqa: S603
            ["git", "show", f"{commit}:{name}"],  # noqa: S607
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for name in names
    }


def _present(path: str) -> dict[str, bytes]:
    names = git("ls-files", "-co", "--exclude-standard", "-z", "--", path).split("\0")[:-1]
    return {
        os.path.relpath(name, path): (ROOT / name).read_bytes()
        for name in names
        if (ROOT / name).is_file()
    }


def whence(wanted: str) -> str:
    """Where the output with hash `wanted` (or a beginning of it) comes from, in lines.

    Raises ResultError when no dvc.lock knows it.
    """
    if not _HASH.match(wanted):
        raise ResultError(
            f"{wanted!r} is no hash; expected the `model` of an answer, such as "
            "4f0c….dir, or at least its first six digits"
        )
    for commit in commits(wanted):
        text = git("show", f"{commit}:{dvc_lock.LOCK}")
        found = describe(wanted, text, partial(_committed, commit))
        if found:
            about = git("show", "--no-patch", "--format=%H%n%an, %ad%n%s", "--date=iso", commit)
            name, author, subject = about.splitlines()[:3]
            refs = git("for-each-ref", "--contains", commit, "--format=%(refname:short)").split()
            first = [
                f"commit      {name}",
                f"            {author}",
                f"            {subject}",
                f"contained   {', '.join(refs[:5]) or 'no branch'}",
            ]
            return "\n".join([*first, found])
    lock = ROOT / dvc_lock.LOCK
    if lock.is_file():
        found = describe(wanted, lock.read_text(encoding="utf-8"), _present)
        if found:
            return f"commit      none: only the working tree's dvc.lock has it\n{found}"
    raise ResultError(
        f"no dvc.lock of any commit or experiment has an output {wanted}; "
        "fetch the branch it was made on (git fetch --all, dvc exp pull)"
    )


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit("usage: make whence HASH=<the model of an answer>")
    try:
        print(whence(sys.argv[1].strip()))
    except ResultError as error:
        sys.exit(f"whence: {error}")
