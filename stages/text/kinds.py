"""The kinds of text branches, by their settings: a new one is added here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from serving.listing.text import Text
from stages.common.settings import Lstm, Ngrams, Train
from stages.text.lstm import LstmBranch
from stages.text.ngrams import NgramBranch
from stages.training.branch import Examples

_BRANCHES: Mapping[type, Callable[..., NgramBranch | LstmBranch]] = {
    Ngrams: NgramBranch.reading,
    Lstm: LstmBranch,
}


def text_branch(
    settings: Ngrams | Lstm, train: Train, examples: Examples, listings: Sequence[Text]
) -> NgramBranch | LstmBranch:
    """The branch that `settings` name, on examples with these texts."""
    return _BRANCHES[type(settings)](settings, train, examples, listings)
