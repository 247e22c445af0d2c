"""The measured precision of accepted answers, by what reviewers said of a sample of them.

Of all that was reviewed only answers count that were accepted and drawn by chance: those that
nobody accepted, and those that a person picked, are told apart because somebody doubted them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from serving.listing.labels import Code
from serving.review.corrections import Correction
from serving.review.precision import sample_of
from stages.commands.drift.answered_quality import Share, Verdict, verdict

CODE_COLUMNS = ("code", "right", "reviewed", "precision", "from", "to")
"""What the parts of a row of a code are."""


@dataclass(frozen=True)
class Reviewed:
    """The share of right ones among the `accepted` answers that were drawn and reviewed, and the
    same `by_code` that was answered; `disputed` are left out, as reviewers disagree about them, and
    `undecided` are drawn and not reviewed yet."""

    accepted: Share
    by_code: dict[Code, Share]
    promised: float
    disputed: int
    undecided: int

    @property
    def verdict(self) -> Verdict:
        """Whether the promise holds; open while the interval has it inside."""
        return verdict(self.accepted, self.promised)

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """What was measured, each with its name."""
        return (
            ("right among the accepted that were drawn and reviewed", str(self.accepted)),
            (f"promised precision of {self.promised:g}", self.verdict),
            (
                "drawn and not decided",
                f"{self.undecided} wait, reviewers disagree on {self.disputed}",
            ),
        )

    @property
    def code_rows(self) -> list[tuple[str, ...]]:
        """A row a code, the worst first."""
        by_share = sorted(
            self.by_code.items(), key=lambda of: (of[1].right / of[1].products, str(of[0]))
        )
        return [
            (
                str(code),
                str(share.right),
                str(share.products),
                *(f"{value:.3f}" for value in (share.right / share.products, *share.interval)),
            )
            for code, share in by_share
        ]


def reviewed(
    entries: Sequence[Correction], model: str, promised: float, undecided: int = 0
) -> Reviewed | None:
    """What all entries, oldest first, say of the sample of one classifier's accepted answers; None
    where nothing of that sample was reviewed."""
    sample = sample_of(entries, model)
    if not sample.decided:
        return None
    of_code = defaultdict[Code, list[bool]](list)
    for code, is_right in sample.decided:
        of_code[code].append(is_right)
    by_code = {code: Share(sum(of), len(of)) for code, of in of_code.items()}
    whole = Share(sample.precision.right, sample.precision.products)
    return Reviewed(whole, by_code, promised, sample.disputed, undecided)
