"""From the `model` of an answer back to the commit, parameters and data that made it.

The service answers with the hash that dvc.lock gives models/classifier. Every dvc.lock that git
knows, of branches and of experiments, is searched for it; any other output's hash is traced too.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any

import typer
import yaml

from stages.commands import repository
from stages.commands.exit_codes import CommandError
from stages.commands.repository import git
from stages.commands.results import dvc_lock
from stages.commands.results.cached_file import cached_file
from stages.common.paths import CORRECTIONS_TABLE

Files = Callable[[str], dict[str, bytes]]
"""The files at or below a path of the repository, each by its path from there ("." for a file)."""

_CODE = ("stages", "serving")
_DATA = ("ingest", "prepare")
_HASH = re.compile(r"^[0-9a-f]{6,32}(\.dir)?$")


def commits(output: str) -> Iterator[str]:
    """Commits that brought a hash into dvc.lock or took it away, oldest first: those of branches
    and tags, then those of experiments."""
    for refs in (("HEAD", "--branches", "--tags", "--remotes"), ("--all",)):
        pickaxe = ("--reverse", "--format=%H", f"-S{output}")
        yield from git("log", *refs, *pickaxe, "--", dvc_lock.LOCK).split()


def describe(output: str, text: str, files: Files) -> list[str]:
    """What the dvc.lock `text` says of the output with the hash `output`, in lines; none when it
    locks no such output.

    `files` gives those of the same moment, to tell whether they are the code that ran.
    """
    stages = dvc_lock.parse(text)
    outputs = dvc_lock.outputs(stages)
    path = next((path for path, out in outputs.items() if out.hash.startswith(output)), None)
    if path is None:
        return []
    out = outputs[path]
    upstream = _upstream(out.stage, stages)
    parameters: dict[str, Any] = {}
    for name in upstream:
        for values in stages[name].get("params", {}).values():
            for key, value in values.items():
                _put(parameters, key.split("."), value)
    code = {
        dep["path"]: dep["md5"]
        for name in upstream
        for dep in stages[name].get("deps", ())
        if dep["path"].split("/")[0] in _CODE
    }
    other = [path for path, md5 in code.items() if dvc_lock.content_hash(files(path)) != md5]
    data = [
        f"data        {written}  {made.hash}"
        for written, made in outputs.items()
        if made.stage in _DATA and made.stage in upstream and written.startswith("data/")
    ]
    return [
        f"output      {path}  {out.hash}  ({out.size:,} bytes, made by {out.stage})",
        *data,
        *_corrections(parameters, stages),
        f"stages      {' '.join(upstream)}",
        f"code        {len(code)} packages and modules, "
        + (f"not as there: {', '.join(other)}" if other else "all as there"),
        "parameters",
        *(f"  {line}" for line in yaml.safe_dump(parameters, sort_keys=True).splitlines()),
    ]


def _corrections(parameters: dict[str, Any], stages: dict[str, Any]) -> list[str]:
    """The folder of corrections that was merged into the catalogue, in a line; none without."""
    data = parameters.get("data", {})
    if data.get("corrections") is None:
        return []
    path = data["corrections_watched"]
    locked = dvc_lock.dependency(stages, "ingest", path)
    table = cached_file(locked, CORRECTIONS_TABLE) if locked else None
    # A field in quotation marks may hold line ends.
    rows = None if table is None else sum(1 for _ in csv.reader(io.StringIO(table.decode()))) - 1
    told = "how many is not at hand: dvc pull" if rows is None else f"{rows:,} products"
    return [f"corrections {path}  {locked}  ({told})"]


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
            written = [out["path"] for out in other.get("outs", ())]
            if name not in reached and any(
                path == out or path.startswith(out + "/") for path in read for out in written
            ):
                reached.add(name)
                waiting.append(name)
    return [name for name in stages if name in reached]


def _committed(commit: str, path: str) -> dict[str, bytes]:
    names = repository.git_files("ls-tree", "-r", "-z", "--name-only", commit, "--", path)
    return {
        os.path.relpath(name, path): repository.git_bytes("show", f"{commit}:{name}")
        for name in names
    }


def _present(path: str) -> dict[str, bytes]:
    names = repository.git_files("ls-files", "-co", "--exclude-standard", "-z", "--", path)
    files = {os.path.relpath(name, path): repository.ROOT / name for name in names}
    return {name: file.read_bytes() for name, file in files.items() if file.is_file()}


def trace(output: str) -> list[str]:
    """Where the output with a hash (or a beginning of it) comes from, in lines.

    Raises CommandError when no dvc.lock knows it.
    """
    if not _HASH.match(output):
        raise CommandError(
            f"{output!r} is no hash; expected the `model` of an answer, such as "
            "4f0c….dir, or at least its first six digits"
        )
    for commit in commits(output):
        text = git("show", f"{commit}:{dvc_lock.LOCK}")
        if description := describe(output, text, partial(_committed, commit)):
            shown = git("show", "--no-patch", "--format=%H%n%an, %ad%n%s", "--date=iso", commit)
            name, author, subject = shown.splitlines()[:3]
            refs = git("for-each-ref", "--contains", commit, "--format=%(refname:short)").split()
            return [
                f"commit      {name}",
                f"            {author}",
                f"            {subject}",
                f"contained   {', '.join(refs[:5]) or 'no branch'}",
                *description,
            ]
    lock = repository.ROOT / dvc_lock.LOCK
    if lock.is_file():
        text = lock.read_text(encoding="utf-8")
        if description := describe(output, text, _present):
            return ["commit      none: only the working tree's dvc.lock has it", *description]
    raise CommandError(
        f"no dvc.lock of any commit or experiment has an output {output}; "
        "fetch the branch it was made on (git fetch --all, dvc exp pull)"
    )


def lineage(
    output: Annotated[
        str,
        typer.Argument(
            metavar="HASH", envvar="HASH", help="The `model` of an answer, or its first digits."
        ),
    ],
) -> None:
    """Print the commit, parameters, code and data behind an output."""
    print(*trace(output.strip()), sep="\n")
