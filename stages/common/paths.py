"""Where the pipeline's files lie, from the repository's root, and what they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

# The four files of a catalogue, as the Rakuten France challenge names them.
TRAIN_PRODUCTS = "X_train_update.csv"
TRAIN_CODES = "Y_train_CVw08PX.csv"
TEST_PRODUCTS = "X_test_update.csv"
IMAGES = "images.zip"
FILES = (TRAIN_PRODUCTS, TRAIN_CODES, TEST_PRODUCTS, IMAGES)

CONFIG, TENSORS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
ENCODER_FILES = (CONFIG, TENSORS, TOKENIZER)
"""Those of a pretrained encoder, as the hub names them."""

PRODUCT_COLUMNS = ("designation", "description", "productid", "imageid")
"""Columns of a table of products, after the index."""

TRANSLATED_COLUMNS = (*PRODUCT_COLUMNS, "picture", "reason")
"""The same where `ingest` made the table of another: besides, the entry in the archive of each
product's picture, and why a row cannot be used. Its identifiers are any text."""

RAW = Path("data/raw")
ARCHIVE = RAW / IMAGES
CORRECTED = RAW / "corrected.csv"
"""Which products `ingest` took from corrections; there is none where there are no corrections."""

CORRECTIONS = Path("data/corrections")
CORRECTIONS_TABLE, CONFLICTS_TABLE, PICTURES_FOLDER = "corrections.csv", "conflicts.csv", "pictures"
"""What is in a folder of corrections."""

CORRECTION_COLUMNS = ("product", "id", "designation", "description", "prdtypecode", "picture")
CORRECTED_COLUMNS = ("id", "product", "before", "prdtypecode")
"""Of CORRECTED: the index of a product in the raw tables, the correction's key, the code that the
product had, "" for a new one or one that had none, and the one it has."""

PREPARED = Path("data/prepared")
LABELS = PREPARED / "labels.json"
PICTURES = Path("data/images")
LANGUAGE = Path("data/language")
PREDICTIONS = Path("data/predictions")

TEXT_BRANCH = Path("models/text")
LANGUAGE_BRANCH = Path("models/language")
IMAGE_BRANCH = Path("models/image")
BRANCHES: dict[Literal["text", "language", "image"], Path] = {
    "text": TEXT_BRANCH,
    "language": LANGUAGE_BRANCH,
    "image": IMAGE_BRANCH,
}
FUSION = Path("models/fusion/fusion.json")
CLASSIFIER = Path("models/classifier")

# In the folder of a branch.
WEIGHTS = "model.weights.h5"
HELD_OUT = "heldout.npz"

CHECKPOINTS = Path("data/checkpoints")  # no output, so that DVC leaves them to the next run

METRICS = Path("metrics")
EVALUATION = METRICS / "evaluation"
