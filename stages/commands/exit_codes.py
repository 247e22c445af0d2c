"""The exit codes of every command, in one table, and the error that carries one."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command says to a shell, to make, to Airflow and to continuous integration.

    No absence looks like a verdict, nor like another absence. 2 is also what Typer gives a wrong
    command line, and 1 is how a crash of Python ends: a refusal that must not be taken for one has
    a code of its own.
    """

    DONE = 0
    """Done; of a comparison: passed, better, equal."""
    FAILED = 1
    """Not done, or a negative verdict: worse, not better, different."""
    UNUSABLE = 2
    """It could not be asked: wrong options, wrong files."""
    NOTHING = 3
    """There is nothing to compare with, to publish or to go back to."""
    STALE = 4
    """A result is not that of the code and parameters beside it."""
    MISSING = 5
    """A result is locked, but its outputs are not at hand."""
    UNKNOWN = 6
    """`dvc status` fails, so nobody knows."""
    UNREGISTERED = 7
    """The registry has no such version."""
    REFUSED = 10
    """A promotion was judged and refused."""
    SKIPPED = 99
    """There was nothing to do; Airflow shows the task as skipped."""


class CommandError(RuntimeError):
    """Why a command ends, in words for the person who can mend it, without a traceback."""

    code = ExitCode.FAILED
