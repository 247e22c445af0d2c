"""From the `model` of an answer back to what made it: `make whence HASH=<hash>`.

The service answers with the hash that dvc.lock gives models/classifier. Every dvc.lock that git
knows, of branches and of experiments, is searched for it; any other output's hash is found too.

Exit status: 0 found, 1 not.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import yaml

from stages.results import locks
from stages.results.clones import ROOT, ResultError, git

_HASH = re.compile(r"^[0-9a-f]{6,32}(\.dir)?$")


def commits(wanted: str) -> Iterator[str]:
    """Commits, oldest first, that brought `wanted` into dvc.lock or took it away."""
    yield from git(
        "log", "--all", "--reverse", "--format=%H", f"-S{wanted}", "--", locks.LOCK
    ).split()


def describe(wanted: str, text: str) -> str | None:
    """What the dvc.lock `text` says of the output `wanted`; None when it locks no such output."""
    stages = locks.parse(text)
    for path, out in locks.outputs(stages).items():
        if out.hash.startswith(wanted):
            return _description(path, out, stages)
    return None


def _description(path: str, out: locks.Locked, stages: dict[str, Any]) -> str:
    before = _upstream(out.stage, stages)
    parameters: dict[str, Any] = {}
    for name in before:
        for values in stages[name].get("params", {}).values():
            parameters |= values
    made_here = {output for name in before for output in _paths(stages[name])}
    data = [
        (each, locks.outputs(stages)[each].hash)
        for name in before
        if name in ("ingest", "prepare")
        for each in _paths(stages[name])
        if not each.startswith("metrics/")
    ]
    code = {
        dep["path"]: dep["md5"]
        for name in before
        for dep in stages[name].get("deps", ())
        if dep["path"] not in made_here and not dep["path"].startswith(tuple(made_here))
    }
    lines = [
        f"output      {path}  {out.hash}  ({out.size:,} bytes, made by {out.stage})",
        *(f"data        {each}  {hash_}" for each, hash_ in data),
        f"stages      {' '.join(before)}",
        f"code        {len(code)} files, as committed" if code else "",
        "parameters",
        *(f"  {line}" for line in yaml.safe_dump(parameters, sort_keys=True).splitlines()),
    ]
    return "\n".join(line for line in lines if line)


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
        found = describe(wanted, git("show", f"{commit}:{locks.LOCK}"))
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
    lock = ROOT / locks.LOCK
    found = describe(wanted, lock.read_text(encoding="utf-8")) if lock.is_file() else None
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
