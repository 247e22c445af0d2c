"""Validate the raw catalogue and divide it without leaks.

Reads data/raw and the taxonomy; writes data/prepared/{train,validation,test,unlabelled}.parquet,
labels.json (the codes that there are, with their names), rejected.csv (each row left out, with its
reason), skipped_entries.csv (archive entries not read) and metrics/data.json.
"""

from __future__ import annotations

import pandas as pd

from serving.listing.labels import stored
from stages.common.output import write_json
from stages.common.paths import (
    ARCHIVE,
    CORRECTED,
    LABELS,
    METRICS,
    PREPARED,
    RAW,
    TEST_PRODUCTS,
    TRAIN_CODES,
    TRAIN_PRODUCTS,
)
from stages.common.settings import load
from stages.pictures.archive import PictureArchive, Skipped
from stages.preparation.corrected import (
    RARE,
    TESTED,
    codes_before,
    in_parts_of_before,
    read_corrected,
)
from stages.preparation.parts import in_parts, untested
from stages.preparation.split import PARTS
from stages.preparation.tables import (
    join_labels,
    labels_without_product,
    read_labels,
    read_products,
    reject_bad_rows,
    require_good_rows,
    schema_of,
    with_numbers,
)
from stages.preparation.taxonomy import labels_of, read_taxonomy
from stages.preparation.usable import usable_products

_SHOWN = 20


def prepare() -> None:
    """Run the stage."""
    settings = load()
    labels, products, queries = (
        (RAW / name, settings.data.named(name))
        for name in (TRAIN_CODES, TRAIN_PRODUCTS, TEST_PRODUCTS)
    )
    names = read_taxonomy(settings.taxonomy)
    listed, coded = read_products(*products), read_labels(*labels)
    joined = join_labels(listed, coded, labels[1])
    corrected = read_corrected(CORRECTED, names, settings.taxonomy.watched)
    labelled, rejected = reject_bad_rows(joined, products[1], names)
    lonely = labels_without_product(listed, coded)
    asked = read_products(*queries)
    unlabelled = with_numbers(require_good_rows(asked, queries[1], schema_of(asked)))

    with PictureArchive(ARCHIVE) as archive:
        # The archive's entry of each product, "" if none.
        labelled["picture"] = archive.names(labelled, "image_train")
        usable = usable_products(labelled, labelled["picture"].map(archive.fingerprint))
        unlabelled["picture"] = archive.names(unlabelled, "image_test")
        skipped = archive.skipped
        pictures = {*archive.entries("image_train"), *archive.entries("image_test")}
    if corrected is None or settings.data.corrections_in_test:
        usable, parts = in_parts(usable, settings.prepare)
    else:
        good = joined[~joined.index.isin(rejected.index)].reset_index(drop=True)
        before = codes_before(good, corrected, names)
        usable, parts = in_parts_of_before(usable, before, names, settings.prepare)
    labelled, prints, stand_in = usable.products, usable.fingerprints, usable.placeholders
    rejected = pd.concat([rejected, lonely, usable.rejected])
    codes = labelled["prdtypecode"]
    without_test = untested(codes, parts.part)

    PREPARED.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        labelled[parts.part == name].to_parquet(PREPARED / f"{name}.parquet", index=False)
    unlabelled.to_parquet(PREPARED / "unlabelled.parquet", index=False)
    write_json(LABELS, stored(labels_of(codes, names)))
    shown = ["id", "designation", "productid", "imageid", "prdtypecode", "reason"]
    rejected.to_csv(PREPARED / "rejected.csv", columns=shown, index=False)
    pd.DataFrame(skipped, columns=Skipped._fields).to_csv(
        PREPARED / "skipped_entries.csv", index=False
    )

    figures = {
        "labelled": len(labelled),
        "rejected": len(rejected),
        "unlabelled": len(unlabelled),
        "near_duplicates": len(labelled) - labelled["group"].nunique(),
        "largest_group": int(labelled["group"].value_counts().max()),
        "large_groups": labelled["group"][parts.large].nunique(),
        "in_large_groups": int(parts.large.sum()),
        "placeholders": prints[stand_in].nunique(),
        "with_placeholder": int(stand_in.sum()),
        "skipped_entries": len(skipped),
        "unclaimed_pictures": len(pictures - {*labelled["picture"], *unlabelled["picture"]}),
        **{name: int((parts.part == name).sum()) for name in PARTS},
        "with_designation": float((usable.texts["designation"] != "").mean()),
        "with_description": float((usable.texts["description"] != "").mean()),
        "with_picture": float((labelled["picture"] != "").mean()),
        "unlabelled_with_picture": int((unlabelled["picture"] != "").sum()),
        "codes": codes.nunique(),
        "untested_codes": len(without_test),
        "smallest_code": int(codes.value_counts().min()),
    }
    if corrected is not None:
        left_out = rejected["reason"].isin([TESTED, RARE])
        figures |= {"corrected": len(corrected), "corrected_left_out": int(left_out.sum())}
    write_json(METRICS / "data.json", figures)
    for name, value in figures.items():
        print(f"{name:>18}  {value:,.5g}")
    if without_test:
        listed = ", ".join(map(str, without_test[:_SHOWN]))
        print(f"Too few products for the test part, trained on all the same: {listed}")
