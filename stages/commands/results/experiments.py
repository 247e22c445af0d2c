"""What experiments changed and reached, best first among those of the same test products."""

from __future__ import annotations

from stages.commands.results import experiment_list


def experiments() -> None:
    """Print the experiments of this commit with what they changed and their scores."""
    print(*experiment_list.lines(experiment_list.read()), sep="\n")
