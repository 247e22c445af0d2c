"""What anyone would try first, trained on the pipeline's own split: linear models and kernels.

Peers are fitted on train and validation, as the exported classifier is, and answer the test part.
Their settings are fixed (the two constants of the picture peers did best on validation products of
real listings), so no test product chooses anything; the one weight of the weighted sum is chosen on
validation products by models fitted without them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from tqdm import tqdm

from serving.listing.images import ImageError, decode
from serving.listing.text import normalise
from stages.pictures.archive import PictureArchive
from tests.benchmarks.table import Row, decided, measured
from tests.support.rakuten import CODES

SIZE = 224
ALPHA = 0.25
MIDDLE = "conv_pw_11_relu"
_CHUNK = 32
_CALIBRATION_FOLDS = 3


class Pictures(NamedTuple):
    """Features of every readable labelled picture, and the seconds that they took.

    `places` gives the row of an archive entry; `plain` is the last layer's average [n, 256],
    `rich` several layers of both mirrors and a colour histogram [n, 704].
    """

    places: pd.Series
    plain: np.ndarray
    rich: np.ndarray
    seconds: float

    def of(self, products: pd.DataFrame) -> np.ndarray:
        """Rows of the products' pictures; every product must have one."""
        return self.places[products["picture"]].to_numpy()

    def has(self, products: pd.DataFrame) -> np.ndarray:
        """Bool [n]: whose picture could be read."""
        return products["picture"].isin(self.places.index).to_numpy()


def has_text(products: pd.DataFrame) -> np.ndarray:
    """Bool [n]."""
    return (documents(products, titles=1).str.strip() != "").to_numpy()


def columns(products: pd.DataFrame) -> np.ndarray:
    """The column of each product's code, int [n]."""
    return np.searchsorted(CODES, products["prdtypecode"])


def text_peers(known: pd.DataFrame, test: pd.DataFrame, bins: int) -> Iterator[Row]:
    """The two linear models over TF-IDF, on the test products with text."""
    known, test = known[has_text(known)], test[has_text(test)]
    labels = columns(test)
    started = time.perf_counter()
    model = calibrated_svc(known, LinearSVC(), _CALIBRATION_FOLDS)
    p = probabilities(model, documents(test, titles=1))
    seconds = time.perf_counter() - started
    yield measured("peer: calibrated LinearSVC", "with text", p, labels, seconds, bins)

    started = time.perf_counter()
    model = make_pipeline(tfidf(), tuned_svc())
    model.fit(documents(known, titles=2), columns(known))
    found = model.predict(documents(test, titles=2))
    seconds = time.perf_counter() - started
    yield decided("peer: LinearSVC, title twice", "with text", found, labels, len(CODES), seconds)


def image_peers(
    known: pd.DataFrame, test: pd.DataFrame, pictures: Pictures, bins: int
) -> Iterator[Row]:
    """Logistic regression and an RBF SVC over frozen features, on the products with picture."""
    known, test = known[pictures.has(known)], test[pictures.has(test)]
    labels = columns(test)
    started = time.perf_counter()
    p = probabilities(_logistic(known, pictures), pictures.plain[pictures.of(test)])
    seconds = time.perf_counter() - started + pictures.seconds
    yield measured("peer: MobileNet, logistic regression", "with picture", p, labels, seconds, bins)

    started = time.perf_counter()
    model = make_pipeline(StandardScaler(), SVC(C=3, class_weight="balanced"))
    model.fit(pictures.rich[pictures.of(known)], columns(known))
    found = model.predict(pictures.rich[pictures.of(test)])
    seconds = time.perf_counter() - started + pictures.seconds
    yield decided(
        "peer: MobileNet layers, RBF SVC", "with picture", found, labels, len(CODES), seconds
    )


def fused_peer(
    train: pd.DataFrame,
    validation: pd.DataFrame,
    test: pd.DataFrame,
    pictures: Pictures,
    bins: int,
) -> Iterator[Row]:
    """The weighted sum of calibrated LinearSVC and logistic regression, on all test products."""
    started = time.perf_counter()
    text, image = _both(train, validation, pictures)
    weight = chosen_weight(text, image, columns(validation))
    known = pd.concat([train, validation], ignore_index=True)
    text, image = _both(known, test, pictures)
    p = weighted_sum(text, image, weight, prior(columns(known)))
    seconds = time.perf_counter() - started + pictures.seconds
    labels = columns(test)
    name = "peer: weighted sum of SVC and logistic regression"
    yield measured(name, "all", p, labels, seconds, bins)
    both = ~np.isnan(text[:, 0]) & ~np.isnan(image[:, 0])
    if both.any():
        row = measured(name, "with both", p[both], labels[both], 0, bins)
        yield Row(row.model, row.on, row.products, row.figures, None)


def weighted_sum(
    text: np.ndarray, image: np.ndarray, weight: float, otherwise: np.ndarray
) -> np.ndarray:
    """`weight` x text + (1 - weight) x image, each [n, codes]; NaN rows mark a missing modality,
    which leaves the answer to the other one, or to `otherwise` [codes]."""
    p = weight * text + (1 - weight) * image
    p = np.where(np.isnan(image), text, np.where(np.isnan(text), image, p))
    return np.where(np.isnan(p), otherwise, p)


def chosen_weight(text: np.ndarray, image: np.ndarray, labels: np.ndarray) -> float:
    """The weight of text with the best weighted F1 on the rows that have both; 0.5 without any."""
    both = ~np.isnan(text[:, 0]) & ~np.isnan(image[:, 0])
    if not both.any():
        return 0.5
    grid = np.linspace(0, 1, 21)
    sums = [weight * text[both] + (1 - weight) * image[both] for weight in grid]
    reached = [f1_score(labels[both], p.argmax(axis=1), average="weighted") for p in sums]
    return float(grid[int(np.argmax(reached))])


def prior(labels: np.ndarray) -> np.ndarray:
    """Share of each code, [codes]."""
    return np.bincount(labels, minlength=len(CODES)) / len(labels)


def probabilities(model: BaseEstimator, inputs: object) -> np.ndarray:
    """The model's probabilities, [n, codes]; 0 for codes it was not shown."""
    p = model.predict_proba(inputs).astype(np.float64)
    spread = np.zeros((len(p), len(CODES)))
    spread[:, model.classes_] = p / p.sum(axis=1, keepdims=True)
    return spread


def read_pictures(path: Path, weights: str) -> Pictures:
    """Features of all labelled pictures of an archive, made once for all splits.

    `weights`: "imagenet", or the path of the headless MobileNet-0.25's .h5 file.
    """
    started = time.perf_counter()
    extract = _extractor(weights)
    entries: list[str] = []
    plain, rich = [], []
    with PictureArchive(path) as archive:
        named = archive.entries("image_train")
        with tqdm(total=len(named), unit="pictures", desc="peers' features", mininterval=5) as bar:
            for start in range(0, len(named), _CHUNK):
                pixels = []
                for name in named[start : start + _CHUNK]:
                    try:
                        pixels.append(decode(archive.read(name), SIZE))
                        entries.append(name)
                    except (ImageError, OSError) as error:
                        print(f"peers: {name} is left out: {error}", file=sys.stderr)
                if pixels:
                    first, second = extract(np.stack(pixels))
                    plain.append(first)
                    rich.append(second)
                bar.update(len(named[start : start + _CHUNK]))
    return Pictures(
        pd.Series(np.arange(len(entries)), index=entries),
        np.concatenate(plain),
        np.concatenate(rich),
        time.perf_counter() - started,
    )


def colours(pixels: np.ndarray) -> np.ndarray:
    """Square roots of the shares of 4x4x4 colours, [n, 64], of uint8 pixels [n, h, w, 3]."""
    level = pixels.reshape(len(pixels), -1, 3).astype(np.int64) // 64
    number = (level[..., 0] * 4 + level[..., 1]) * 4 + level[..., 2]
    counts = np.stack([np.bincount(of_picture, minlength=64) for of_picture in number])
    return np.sqrt(counts / number.shape[1])


def _extractor(weights: str) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Pixels, uint8 [n, 224, 224, 3], to the two kinds of features of `Pictures`."""
    # TensorFlow only where pictures are compared
    from stages.common.keras_setup import keras, set_up

    set_up(seed=1, threads=2)
    network = keras.applications.MobileNet(
        input_shape=(SIZE, SIZE, 3), alpha=ALPHA, include_top=False, weights=weights
    )
    average, maximum = keras.layers.GlobalAveragePooling2D(), keras.layers.GlobalMaxPooling2D()
    last, middle = network.output, network.get_layer(MIDDLE).output
    pooled = keras.Model(network.input, [average(last), maximum(last), average(middle)])

    def extract(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scaled = pixels / np.float32(127.5) - 1
        straight = [layer.numpy() for layer in pooled(scaled, training=False)]
        mirrored = [layer.numpy() for layer in pooled(scaled[:, :, ::-1], training=False)]
        layers = [(one + other) / 2 for one, other in zip(straight, mirrored, strict=True)]
        return straight[0], np.concatenate([*layers, colours(pixels)], axis=1)

    return extract


def tfidf() -> BaseEstimator:
    """Words (1-2) and characters within words (2-5), side by side."""
    shared = {"sublinear_tf": True, "min_df": 2, "strip_accents": "unicode"}
    return make_union(
        TfidfVectorizer(ngram_range=(1, 2), **shared),
        TfidfVectorizer(ngram_range=(2, 5), analyzer="char_wb", **shared),
    )


def tuned_svc() -> LinearSVC:
    """With what did best on validation products of real listings."""
    return LinearSVC(C=0.5, class_weight="balanced")


def documents(products: pd.DataFrame, titles: int) -> pd.Series:
    """What the peers read: the designation so many times, then the description, normalised."""
    designation, description = (
        products[name].map(normalise) for name in ("designation", "description")
    )
    return (designation + " ") * titles + description


def calibrated_svc(known: pd.DataFrame, svc: LinearSVC, folds: int) -> BaseEstimator:
    """Fitted on the products with text of codes that every calibration fold can hold."""
    known = known[has_text(known)]
    count = known.groupby("prdtypecode")["prdtypecode"].transform("size")
    known = known[count >= folds]
    model = make_pipeline(tfidf(), CalibratedClassifierCV(svc, cv=folds))
    return model.fit(documents(known, titles=1), columns(known))


def _logistic(known: pd.DataFrame, pictures: Pictures) -> BaseEstimator:
    known = known[pictures.has(known)]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    return model.fit(pictures.plain[pictures.of(known)], columns(known))


def _both(
    known: pd.DataFrame, asked: pd.DataFrame, pictures: Pictures
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of both peers for `asked`, [n, codes]; NaN where a modality is missing."""
    text, image = (np.full((len(asked), len(CODES)), np.nan) for _ in range(2))
    read, seen = has_text(asked), pictures.has(asked)
    text[read] = probabilities(
        calibrated_svc(known, LinearSVC(), _CALIBRATION_FOLDS), documents(asked[read], titles=1)
    )
    image[seen] = probabilities(
        _logistic(known, pictures), pictures.plain[pictures.of(asked[seen])]
    )
    return text, image
