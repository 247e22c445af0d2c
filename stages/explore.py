"""Look at the data, and write the data card.

Reads data/prepared and the pictures; writes metrics/data_card.md and its pictures in
metrics/data_card. No model has a part in it.
"""

from __future__ import annotations

import pandas as pd

from stages.common.paths import ARCHIVE, METRICS, PREPARED
from stages.common.products import prepared_labels, read_part
from stages.common.settings import SampleData, load
from stages.exploration.data_card import Facts, data_card
from stages.exploration.drawing import draw_codes, draw_pictures, draw_texts
from stages.exploration.looking import evenly, look_at
from stages.exploration.tables import PARTS, most_frequent, of_codes, reasons, with_lengths
from stages.exploration.words import telling_words
from stages.pictures.archive import PictureArchive

CARD = METRICS / "data_card.md"
PICTURES = METRICS / "data_card"


def explore() -> None:
    """Run the stage."""
    data = load().data
    labels = prepared_labels()
    parts = {name: with_lengths(read_part(name)) for name in PARTS}
    train, counts = parts["train"], of_codes(parts)
    shown = most_frequent(counts)
    with PictureArchive(ARCHIVE) as archive:
        entries = {
            "labelled": archive.entries("image_train"),
            "unlabelled": archive.entries("image_test"),
        }
        chosen = {name: evenly(names) for name, names in entries.items()}
        seen = {name: look_at(archive, names, f"explore {name}") for name, names in chosen.items()}
    facts = Facts(
        origin=data.origin,
        labels=labels,
        synthetic=isinstance(data, SampleData),
        parts=parts,
        pictures=seen,
        looked_at={name: len(names) for name, names in chosen.items()},
        all_pictures={name: len(names) for name, names in entries.items()},
        words=telling_words(
            (train["designation"] + " " + train["description"]).tolist(),
            train["prdtypecode"].to_numpy(),
            shown.index[shown["train"] > 0].tolist(),
        ),
        rejected=reasons(pd.read_csv(PREPARED / "rejected.csv")["reason"]),
        skipped=reasons(pd.read_csv(PREPARED / "skipped_entries.csv")["reason"]),
    )
    PICTURES.mkdir(parents=True, exist_ok=True)
    draw_codes(shown, labels, PICTURES / "codes.png")
    draw_texts(
        {"labelled": facts.labelled, "unlabelled": parts["unlabelled"]}, PICTURES / "texts.png"
    )
    draw_pictures(seen, PICTURES / "pictures.png")
    CARD.write_text(data_card(facts), encoding="utf-8")
    print(f"{CARD} written")
