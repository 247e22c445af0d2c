"""The kinds of image branches, by their settings: a new one is added here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stages.common.settings import Cnn, Dense, Discriminant, Frozen, Train
from stages.image.cnn import CnnBranch
from stages.image.frozen import DenseBranch, DiscriminantBranch
from stages.image.kept import Kept
from stages.training.branch import Branch, Examples

_BRANCHES: Mapping[type, Callable[..., Branch]] = {
    Cnn: CnnBranch,
    Dense: DenseBranch,
    Discriminant: DiscriminantBranch,
}
"""A network from scratch by its own settings, a frozen one by those of its head."""


def image_branch(
    settings: Cnn | Frozen, train: Train, examples: Examples, pictures: Kept
) -> Branch:
    """The branch that `settings` name, on examples with these pictures."""
    trained = settings.head if isinstance(settings, Frozen) else settings
    return _BRANCHES[type(trained)](trained, settings.folds, train, examples, pictures)
