"""The pipeline's branches beside their peers, on the same rows: `make bench-quality`.

Run it after a pipeline run. Peers are trained on train and validation, as the exported classifier
was, and all are scored on the test products. Nothing is chosen here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

from serving.classifier.classifier import Classifier
from stages.answering import in_chunks
from stages.evaluate import ARCHIVE, CLASSIFIER
from stages.pictures import PictureArchive
from stages.products import columns, read_part, read_training


def tfidf(words: tuple[int, int], characters: tuple[int, int]) -> object:
    """TF-IDF of words and of characters within words, side by side."""
    return make_union(
        TfidfVectorizer(ngram_range=words, sublinear_tf=True, min_df=2, strip_accents="unicode"),
        TfidfVectorizer(
            ngram_range=characters,
            analyzer="char_wb",
            sublinear_tf=True,
            min_df=2,
            strip_accents="unicode",
        ),
    )


def row(name: str, labels: np.ndarray, found: np.ndarray) -> str:
    """One line of the table."""
    return (
        f"| {name} | {len(labels)} | {accuracy_score(labels, found):.3f} "
        f"| {f1_score(labels, found, average='weighted'):.3f} "
        f"| {f1_score(labels, found, average='macro'):.3f} |"
    )


def main() -> None:
    """Train the peers and print one table."""
    train, test = read_training(), read_part("test")
    with_text = train[(train["title"] != "") | (train["body"] != "")]
    asked = ((test["title"] != "") | (test["body"] != "")).to_numpy()
    labels = columns(test)
    print("| model | rows | accuracy | weighted F1 | macro F1 |\n|---|---|---|---|---|")

    def document(products: pd.DataFrame, titles: int) -> pd.Series:
        return (products["title"] + " ") * titles + products["body"]

    strongest = make_pipeline(tfidf((1, 2), (2, 5)), LinearSVC(C=0.5, class_weight="balanced"))
    calibrated = make_pipeline(tfidf((1, 2), (2, 5)), CalibratedClassifierCV(LinearSVC(), cv=3))
    for name, model, titles in (
        ("peer: words + characters, calibrated LinearSVC", calibrated, 1),
        ("peer: title twice, LinearSVC C=0.5 balanced", strongest, 2),
    ):
        model.fit(document(with_text, titles), columns(with_text))
        found = model.predict(document(test[asked], titles))
        print(row(name, labels[asked], found), flush=True)

    with PictureArchive(ARCHIVE) as archive, Classifier.load(CLASSIFIER) as classifier:
        parts = [classifier.logits(chunk)[:4] for _, chunk in in_chunks(test, archive, 256, "")]
        text, image, has_text, has_image = (np.concatenate(p) for p in zip(*parts, strict=True))
        nothing = np.zeros_like(has_text)
        for name, use_text, use_image in (
            ("this pipeline: text", has_text, nothing),
            ("this pipeline: picture", nothing, has_image),
            ("this pipeline: all rows", has_text, has_image),
        ):
            p = classifier.fusion.probabilities(text, image, use_text, use_image)
            rows = use_text | use_image
            print(row(name, labels[rows], p[rows].argmax(axis=1)))


if __name__ == "__main__":
    main()
