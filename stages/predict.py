"""Answer every unlabelled product with the exported classifier.

Reads models/classifier and the unlabelled part; writes data/predictions/predictions.json and .csv,
one row for each input row, in its order, chunk by chunk. metrics/predictions.json counts products,
those with a picture, and those whose picture could not be read.
"""

from __future__ import annotations

import csv
import json

from serving.classifier.classifier import Classifier
from stages.common.output import write_json
from stages.common.paths import ARCHIVE, CLASSIFIER, METRICS, PREDICTIONS
from stages.common.products import read_part
from stages.common.settings import load
from stages.evaluation.answers import fields, in_chunks, unreadable_pictures, values
from stages.pictures.archive import PictureArchive


def predict() -> None:
    """Run the stage."""
    settings = load().predict
    products = read_part("unlabelled")
    PREDICTIONS.mkdir(parents=True, exist_ok=True)
    accepted = empty = 0
    has_image: list[bool] = []
    with (
        PictureArchive(ARCHIVE) as archive,
        Classifier.load(CLASSIFIER) as classifier,
        (PREDICTIONS / "predictions.csv").open("w", encoding="utf-8", newline="") as csv_file,
        (PREDICTIONS / "predictions.json").open("w", encoding="utf-8") as json_file,
    ):
        table = csv.writer(csv_file, lineterminator="\n")
        names = fields(classifier)
        table.writerow(names)
        separator = "[\n"
        for rows, chunk in in_chunks(products, archive, settings.chunk, "predict"):
            for row, answer in zip(rows.itertuples(), classifier.predict(chunk), strict=True):
                written = values(row, answer, len(classifier.levels) > 0)
                table.writerow(written)
                record = dict(zip(names, written, strict=True))
                json_file.write(separator + json.dumps(record, ensure_ascii=False))
                separator = ",\n"
                accepted += answer.accepted
                has_image.append(answer.state in ("image", "both"))
                empty += answer.state == "none"
        json_file.write("[]\n" if separator == "[\n" else "\n]\n")
    pictures = int((products["picture"] != "").sum())
    unreadable = unreadable_pictures(classifier, products["picture"].tolist(), has_image)
    figures = {
        "products": len(products),
        "accepted": accepted,
        "with_picture": pictures,
        "unreadable_pictures": unreadable,
        "empty": empty,
    }
    write_json(METRICS / "predictions.json", figures)
    print(
        f"{len(products)} products answered, {accepted} of them accepted without review; "
        f"{pictures} have a picture, {unreadable} of which cannot be read; {empty} have nothing "
        "that can be used"
    )
