"""The words that tell a code from the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import chi2

from serving.listing.labels import Code
from stages.common.progress import progress

MOST = 8
"""Words a code."""

_LEAST = 3
"""Products that must have a word."""

_FREQUENT = 0.03
"""Share of a code's products that must have a word: a rare one tells little of the code, however
surely it tells."""

_WORD = r"(?u)\b[^\W\d_]{3,}\b"
_DIGITS = 6
"""To which the statistic is rounded before it is sorted, so that the order is that of the names
where nothing but the last bits differs."""


@dataclass(frozen=True)
class Telling:
    """A word, and the share of a code's products that have it."""

    word: str
    share: float


def telling_words(
    texts: Sequence[str], codes: np.ndarray, asked: Iterable[Code]
) -> dict[Code, list[Telling]]:
    """For each code that is `asked`, the words that are most surely more frequent in its products.

    A word counts once a product. Sorted by the chi-square statistic of the code's products against
    all others (Yang and Pedersen, 1997, "A Comparative Study on Feature Selection in Text
    Categorization"), then by name.
    """
    telling: dict[Code, list[Telling]] = {code: [] for code in asked}
    vectorizer = CountVectorizer(binary=True, min_df=_LEAST, token_pattern=_WORD)
    try:
        counts = vectorizer.fit_transform(progress(texts, title="explore words", unit="products"))
    except ValueError:  # no word is in so many products
        return telling
    names = vectorizer.get_feature_names_out()
    overall = np.asarray(counts.sum(axis=0)).ravel() / len(texts)
    for code, words in telling.items():
        here = codes == code
        share = np.asarray(counts[here].sum(axis=0)).ravel() / here.sum()
        frequent = (share > overall) & (share >= _FREQUENT)
        statistic = np.where(frequent, np.nan_to_num(chi2(counts, here)[0]), 0)
        order = np.argsort(-statistic.round(_DIGITS), kind="stable")  # names are in order
        words += [Telling(names[i], float(share[i])) for i in order[:MOST] if statistic[i] > 0]
    return telling
