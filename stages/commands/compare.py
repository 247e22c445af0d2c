"""Hold this result against another: `make compare-lock OTHER=<revision or clone>`.

For every output that dvc.lock lists: equal (the same hash), agrees (other bytes, numbers within the
tolerance of params.yaml `compare`), or differs, with the first difference. Between x86-64
processors with AVX2 and FMA all is equal; elsewhere nobody promises equal floats, so there the
middle one is what to expect at best.

Exit status: 0 nothing differs, 1 something does, 3 there is nothing to compare with.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stages.commands import clones, inside, locks
from stages.commands.clones import ResultError
from stages.common.output import StageError, fail
from stages.common.settings import Compare, load

EQUAL, AGREES, DIFFERS, ABSENT = "equal", "agrees", "differs", "not at hand"
NO_RESULT = 3
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
    if (Path(other) / locks.LOCK).is_file():
        yield Path(other).resolve()
        return
    with clones.at(other) as where:
        mine, theirs = (locks.outputs(locks.read(folder)) for folder in (clones.ROOT, where))
        unequal = [path for path, out in theirs.items() if mine.get(path) != out]
        clones.obtain([path for path in unequal if not path.startswith(METRICS)], where)
        yield where


def compare(first: Path, second: Path, tolerances: Compare) -> list[Finding]:
    """Every output of either folder, in the order of `first`'s pipeline."""
    old, new = (locks.outputs(locks.read(folder)) for folder in (first, second))
    findings = []
    for path in [*old, *(path for path in new if path not in old)]:
        if path not in old or path not in new:
            where = second if path not in old else first
            findings.append(Finding(path, DIFFERS, f"is an output only of {where}"))
        elif old[path].hash == new[path].hash:
            findings.append(Finding(path, EQUAL))
        else:
            findings.append(_compare_content(path, first, second, tolerances))
    return findings


def _compare_content(path: str, first: Path, second: Path, tolerances: Compare) -> Finding:
    for folder in (first, second):
        if not (folder / path).exists():
            return Finding(path, ABSENT, f"other hash, and no content in {folder}")
    tolerance = tolerances.scores if path.startswith(METRICS) else tolerances.values
    found = list(inside.differences(first / path, second / path, tolerance))
    if not found:
        return Finding(path, ABSENT, "other hash, but the files at hand are equal: not as locked")
    name, worst = next((item for item in found if not item[1].agrees), found[0])
    verdict = AGREES if worst.agrees else DIFFERS
    return Finding(path, verdict, f"{name}: {worst.words}" if name else worst.words)


def table(findings: list[Finding]) -> str:
    """One line an output."""
    return "\n".join(f"{each.verdict:<12} {each.path:<26} {each.words}" for each in findings)


def main(other: str) -> int:
    """Print the table; the exit status."""
    tolerances = load().compare
    with result(other) as where:
        findings = compare(clones.ROOT, where, tolerances)
    print(f"this result and {other}: numbers agree within {tolerances.values} in outputs", end="")
    print(f" and {tolerances.scores} in metrics\n")
    print(table(findings))
    counts = {v: sum(each.verdict == v for each in findings) for v in (EQUAL, AGREES, DIFFERS)}
    print("\n" + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return int(any(each.verdict in (DIFFERS, ABSENT) for each in findings))


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit("usage: make compare-lock OTHER=<revision or folder of a clone>")
    try:
        sys.exit(main(sys.argv[1]))
    except ResultError as error:
        print(f"compare-lock: {error}", file=sys.stderr)
        sys.exit(NO_RESULT)
    except StageError as error:
        fail("compare-lock", error)
