"""Hold this result against another one, output by output.

For every output that dvc.lock lists: equal (the same hash), agrees (other bytes, numbers within the
tolerances of params.yaml `compare`), differs, with the first difference, or is not at hand, with
the command that fetches it. Between x86-64 processors with AVX2 and FMA all is equal; elsewhere
nobody promises equal floats, so there the second is what to expect at best.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stages.commands import repository
from stages.commands.console import print_table
from stages.commands.exit_codes import ExitCode
from stages.commands.results import dvc_lock, file_diff, revision
from stages.common.settings import Compare, load

EQUAL, AGREES, DIFFERS, ABSENT = "equal", "agrees", "differs", "not at hand"
METRICS = "metrics/"


@dataclass(frozen=True)
class Finding:
    """One output: what became of the comparison, and why."""

    path: str
    verdict: str
    words: str = ""


@contextmanager
def result(other: str) -> Iterator[Path]:
    """The folder of another result: a clone's own, or a temporary one for a revision."""
    if (Path(other) / dvc_lock.LOCK).is_file():
        yield Path(other).resolve()
        return
    with revision.at(other) as where:
        mine, theirs = (
            dvc_lock.outputs(dvc_lock.read(folder)) for folder in (repository.ROOT, where)
        )
        unequal = [
            path for path, out in theirs.items() if path not in mine or mine[path].hash != out.hash
        ]
        revision.obtain([path for path in unequal if not path.startswith(METRICS)], where)
        yield where


def compare_outputs(first: Path, second: Path, tolerances: Compare, other: str) -> list[Finding]:
    """Every output of either folder, in the order of `first`'s pipeline; `other` is what `second`
    was called."""
    old, new = (dvc_lock.outputs(dvc_lock.read(folder)) for folder in (first, second))
    findings = []
    for path in [*old, *(path for path in new if path not in old)]:
        if path not in old or path not in new:
            where = second if path not in old else first
            findings.append(Finding(path, DIFFERS, f"is an output only of {where}"))
        elif old[path].hash == new[path].hash:
            findings.append(Finding(path, EQUAL))
        else:
            stage = new[path].stage
            advice = {
                first: f"dvc checkout {path} || dvc pull {path}",
                second: _fetching(path, stage, second, other),
            }
            findings.append(_compare_content(path, advice, tolerances))
    return findings


def _fetching(path: str, stage: str, where: Path, other: str) -> str:
    """The command that brings an output of `other`, which is at `where`."""
    if Path(other).is_dir() and Path(other).resolve() == where:
        return f"cd {shlex.quote(other)} && (dvc checkout {path} || dvc pull {path})"
    # Cache and remote were asked already.
    return (
        f"dvc push {path} where {other} was run, or: git worktree add ../{other} {other} && "
        f"cd ../{other} && dvc repro {stage}"
    )


def _compare_content(path: str, advice: dict[Path, str], tolerances: Compare) -> Finding:
    """`advice` tells for each of both folders how its content is fetched."""
    for folder, command in advice.items():
        if not (folder / path).exists():
            return Finding(path, ABSENT, f"other hash, and no content; fetch it: {command}")
    first, second = advice
    tolerance = file_diff.Tolerance(tolerances.values, tolerances.values)
    if path.startswith(METRICS):
        tolerance = file_diff.Tolerance(tolerances.scores)
    differing = list(file_diff.differences(first / path, second / path, tolerance))
    if not differing:
        words = "other hash, but the files are equal: one is not as locked; fetch it: "
        return Finding(path, ABSENT, words + advice[first])
    name, worst = next((item for item in differing if not item[1].agrees), differing[0])
    verdict = AGREES if worst.agrees else DIFFERS
    return Finding(path, verdict, f"{name}: {worst.words}" if name else worst.words)


def print_findings(findings: list[Finding]) -> None:
    """One line an output."""
    print_table(
        ("verdict", "output", ""),
        [(finding.verdict, finding.path, finding.words) for finding in findings],
    )


def compare(
    other: Annotated[
        str, typer.Argument(envvar="OTHER", help="A revision, or the folder of a clone.")
    ],
) -> None:
    """Hold this result against another, output by output.

    Ends with 0 when nothing differs, with 1 when something does, and with 5 when nothing is known
    to differ, but not all is at hand.
    """
    tolerances = load().compare
    with result(other) as where:
        findings = compare_outputs(repository.ROOT, where, tolerances, other)
    print(
        f"this result and {other}: numbers a and b agree in metrics when |a - b| <= "
        f"{tolerances.scores}, in outputs when |a - b| <= {tolerances.values} * (1 + |b|)\n"
    )
    print_findings(findings)
    counts = {
        verdict: sum(finding.verdict == verdict for finding in findings)
        for verdict in (EQUAL, AGREES, DIFFERS, ABSENT)
    }
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    print(f"\n{len(findings)} outputs: {summary}")
    if counts[DIFFERS]:
        raise typer.Exit(ExitCode.FAILED)
    if counts[ABSENT]:
        raise typer.Exit(ExitCode.MISSING)
