"""The data card as Markdown: pure functions from what was counted to the page people read.

Equal figures give equal bytes: no date, no path of the machine, no set that is not sorted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from serving.listing.labels import Code, Labels, described
from stages.common.markdown import figure, plain, share, table
from stages.exploration import tables
from stages.exploration.words import Telling

PICTURES = ("codes.png", "texts.png", "pictures.png")
"""Files beside the card, in the folder `data_card`."""

SIZES = 5
"""Sizes of pictures that are listed."""

GROUPS = 5
"""Near-duplicate groups that are listed."""

REASONS = 20
"""Reasons that are listed."""

_LONGEST = 80
"""Characters of a designation, or of a reason, that are shown."""

_SIZES_OF_GROUPS = {"2": (2, 2), "3": (3, 3), "4 to 9": (4, 9), "10 and more": (10, None)}


@dataclass(frozen=True)
class Facts:
    """All that the card says.

    `origin` tells in words where the data come from; `parts` are the products of each part, as
    `tables.with_lengths` gives them; `pictures` what was seen of the labelled and the unlabelled
    pictures, and `all_pictures` how many there are of each; `words` the telling words by code,
    `rejected` and `skipped` the reasons why rows and archive entries were left out.
    """

    origin: str
    labels: Labels
    synthetic: bool
    parts: Mapping[str, pd.DataFrame]
    pictures: Mapping[str, pd.DataFrame]
    looked_at: Mapping[str, int]
    all_pictures: Mapping[str, int]
    words: Mapping[Code, Sequence[Telling]]
    rejected: Mapping[str, int]
    skipped: Mapping[str, int]

    @property
    def labelled(self) -> pd.DataFrame:
        """Train, validation and test together."""
        return pd.concat([self.parts[part] for part in tables.LABELLED], ignore_index=True)


def data_card(facts: Facts) -> str:
    """The whole page, ending in a newline."""
    sections = (
        _products(facts),
        _codes(facts),
        _words(facts),
        _texts(facts),
        _pictures(facts),
        _near_duplicates(facts.labelled),
        _left_out(facts),
    )
    return "\n\n".join(sections) + "\n"


def _products(facts: Facts) -> str:
    def row(name: str, products: pd.DataFrame) -> tuple[str, ...]:
        without = tables.lacking(products)
        shares = (without[part] for part in ("designation", "description", "text", "picture"))
        return name, figure(len(products)), *map(share, shares)

    header = ("part", "products", "no designation", "no description", "no text", "no picture")
    parts = table(header, (row(*part) for part in facts.parts.items()))
    synthetic = " **The products are synthetic.**" if facts.synthetic else ""
    return f"""# Data card

What the classifier of this run was trained on, measured with and asked. {facts.origin}.\
{synthetic} Written by the stage `explore`; [the model card](model_card.md) tells how well the \
classifier does.

## Products

{parts}

Texts are taken as a model reads them, without markup."""


def _codes(facts: Facts) -> str:
    counts = tables.of_codes(facts.parts)
    labelled = facts.labelled
    shown = tables.most_frequent(counts)
    rows = []
    for code, count in shown.iterrows():
        here = labelled[labelled["prdtypecode"] == code]
        without = tables.lacking(here)
        rows.append(
            (
                _named(facts, code),
                figure(len(here)),
                share(len(here) / len(labelled)),
                *(figure(int(count[part])) for part in tables.LABELLED),
                *(share(without[part], 0) for part in ("designation", "description", "picture")),
            )
        )
    header = ("code", "products", "share", *tables.LABELLED)
    lacking = ("no designation", "no description", "no picture")
    sizes = counts.sum(axis=1)
    hidden = len(counts) - len(shown)
    more = f"Shown are the {len(shown)} most frequent; {hidden} more are not.\n\n" if hidden else ""
    return f"""## Codes

{len(counts)} codes. The most frequent has {figure(sizes.max() / sizes.min(), 1)} times as many \
products as the rarest.

{more}![Labelled products of each code](data_card/codes.png)

{table((*header, *lacking), rows)}"""


def _words(facts: Facts) -> str:
    rows = [
        (
            _named(facts, code),
            ", ".join(f"{plain(word.word)} ({share(word.share, 0)})" for word in telling) or "–",
        )
        for code, telling in sorted(facts.words.items())
    ]
    return f"""## Words

The words that tell a code best from all others among the training products, and the share of the \
code's products that have them:

{table(("code", "words"), rows, left=2)}"""


def _texts(facts: Facts) -> str:
    rows = [
        (f"{text}, {name}", figure(len(lengths)), *_quantiles(lengths))
        for text in ("designation", "description")
        for name, products in _asked(facts).items()
        for lengths in [products[f"in_{text}"][products[f"in_{text}"] > 0]]
    ]
    return f"""## Lengths of texts

In characters, of the texts that there are.

![Lengths of designations and descriptions](data_card/texts.png)

{table(("text", "there are", *tables.QUANTILES), rows)}"""


def _asked(facts: Facts) -> dict[str, pd.DataFrame]:
    return {"labelled": facts.labelled, "unlabelled": facts.parts["unlabelled"]}


def _quantiles(values: pd.Series, digits: int = 0) -> tuple[str, ...]:
    return tuple(figure(value, digits) for value in tables.quantiles(values).values())


def _pictures(facts: Facts) -> str:
    rows = []
    unread = []
    for name, seen in facts.pictures.items():
        rows += [
            (f"{what}, {name}", *_quantiles(seen[column], digits))
            for what, column, digits in (
                ("width, pixels", "width", 0),
                ("height, pixels", "height", 0),
                ("bytes", "bytes", 0),
                ("brightness", "brightness", 2),
            )
        ]
        looked_at = facts.looked_at[name]
        unread.append(
            f"Of {figure(facts.all_pictures[name])} {name} pictures {figure(looked_at)} were "
            f"looked at; {figure(looked_at - len(seen))} of them cannot be read."
        )
    both = pd.concat(facts.pictures.values())
    common = both.value_counts(["width", "height"]).reset_index(name="pictures")
    order = ["pictures", "width", "height"]
    common = common.sort_values(order, ascending=False, kind="stable").head(SIZES)
    sizes = [
        (
            f"{size.width} x {size.height}",
            figure(int(size.pictures)),
            share(size.pictures / len(both)),
        )
        for size in common.itertuples()
    ]
    return f"""## Pictures

{" ".join(unread)} Brightness is the mean of all pixels, 0 black to 1 white.

![Sizes and brightness of pictures](data_card/pictures.png)

{table(("", *tables.QUANTILES), rows)}

The most frequent sizes:

{table(("pixels", "pictures", "share"), sizes)}"""


def _near_duplicates(labelled: pd.DataFrame) -> str:
    groups = tables.groups(labelled)
    head = "## Near-duplicates\n\n"
    if groups.empty:
        return head + "No two labelled products share a designation or a picture."
    rows = []
    for name, (least, most) in _SIZES_OF_GROUPS.items():
        within = groups[groups["products"].between(least, most or len(labelled))]
        divided = within[within["codes"] > 1]
        rows.append((name, *(figure(int(n)) for n in (len(within), len(divided)))))
    largest = [
        (
            plain(_title(labelled[labelled["group"] == group]), _LONGEST),
            figure(int(size["products"])),
            figure(int(size["codes"])),
        )
        for group, size in groups.head(GROUPS).iterrows()
    ]
    repeated = int((groups["products"] - 1).sum())
    return f"""{head}{figure(repeated)} labelled products repeat another: the same designation up \
to case, accents and punctuation, or the same picture. A group of them stays in one part.

{table(("products of a group", "groups", "with several codes"), rows)}

The same product under several codes is one that the classifier cannot get right each time. The \
largest groups, by the designation that is most frequent in them:

{table(("designation", "products", "codes"), largest)}"""


def _title(group: pd.DataFrame) -> str:
    """The most frequent designation, the first by name among equals."""
    return str(group["designation"].mode().iloc[0]) or "(none)"


def _left_out(facts: Facts) -> str:
    def listed(what: str, reasons: Mapping[str, int]) -> str:
        if not reasons:
            return f"No {what} was left out."
        rows = [(plain(name, _LONGEST), figure(n)) for name, n in reasons.items()]
        more = f"\n\nAnd {len(rows) - REASONS} other reasons." if len(rows) > REASONS else ""
        return table((f"{what} left out because", "times"), rows[:REASONS]) + more

    return f"""## What was left out

{listed("row", facts.rejected)}

{listed("entry of the archive", facts.skipped)}

`data/prepared/rejected.csv` and `data/prepared/skipped_entries.csv` list them."""


def _named(facts: Facts, code: Any) -> str:
    return plain(described(code, facts.labels[code]))
