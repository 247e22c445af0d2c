"""From which confidence on answers with each code are accepted: a promise for each code by itself.

What is promised of a code is the precision of what is answered with it, so the held-out answers
that count are those with the code as their answer, whatever their product is. A code has a
threshold of its own where these prove one (stages.fusion.acceptance).

Each code is one more chance to be lucky: of a hundred codes that are right a little less often than
asked, ten would pass a test with a certainty of 0.9, and then all that is promised is wrong. So
what `certainty` bounds is the share of broken promises among those that are made: of the codes with
a threshold of their own, at least `certainty` keep it on average (the false discovery rate:
Benjamini and Hochberg, 1995, whose step-up procedure is used here; codes err independently of each
other, as each product has one answer). To bound the probability that any code at all falls short
would ask 123 answers without an error of each of 27 codes, at a precision of 0.95 and a certainty
of 0.9, and 207 of each of 2,000, where 59 are enough for one.

All other codes share one threshold, which their own answers prove together with `certainty`. That
of all answers would promise nothing of them: codes that are right more often would have paid for
it, and with lower thresholds of their own these no longer make up for it in all that is accepted
(docs/benchmarks.md has it measured). That the same answers decided which codes these are does no
harm: they are those with more errors than others, among which a test passes less often, not more.
"""

from __future__ import annotations

import numpy as np

from stages.fusion.acceptance import NEVER, acceptance_threshold, fewest_groups


def thresholds_by_code(
    answered: np.ndarray,
    confidence: np.ndarray,
    right: np.ndarray,
    groups: np.ndarray,
    precision: float,
    certainty: float,
) -> tuple[float, dict[int, float]]:
    """The threshold of the codes without one of their own, NEVER if none, and by column those of
    the others.

    `answered` int [n] are the columns of the codes answered; all else is as `acceptance_threshold`
    has it.
    """

    def threshold(rows: np.ndarray, sure: float) -> float:
        return acceptance_threshold(confidence[rows], right[rows], groups[rows], precision, sure)

    fewest = fewest_groups(precision, certainty)
    rows_of = {
        column: rows
        for column in np.unique(answered).tolist()
        for rows in [np.flatnonzero(answered == column)]
        if len(np.unique(groups[rows])) >= fewest  # no errors are looked at to choose who is tested
    }
    own: dict[int, float] = {}
    kept = len(rows_of)
    while kept:
        sure = 1 - (1 - certainty) * kept / len(rows_of)
        found = {column: threshold(rows, sure) for column, rows in rows_of.items()}
        own = {column: least for column, least in found.items() if least < NEVER}
        if len(own) >= kept:
            break
        kept = len(own)
    others = np.flatnonzero(~np.isin(answered, list(own)))
    return threshold(others, certainty), own
