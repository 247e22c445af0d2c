"""Where the pipeline's files lie, from the repository's root, and what they are called."""

from __future__ import annotations

from pathlib import Path

# The four files of a catalogue, as the Rakuten France challenge names them.
TRAIN_PRODUCTS = "X_train_update.csv"
TRAIN_CODES = "Y_train_CVw08PX.csv"
TEST_PRODUCTS = "X_test_update.csv"
IMAGES = "images.zip"
FILES = (TRAIN_PRODUCTS, TRAIN_CODES, TEST_PRODUCTS, IMAGES)

PRODUCT_COLUMNS = ("designation", "description", "productid", "imageid")
"""Columns of a table of products, after the index."""

TRANSLATED_COLUMNS = (*PRODUCT_COLUMNS, "picture", "reason")
"""The same where `ingest` made the table of another: besides, the entry in the archive of each
product's picture, and why a row cannot be used. Its identifiers are any text."""

RAW = Path("data/raw")
ARCHIVE = RAW / IMAGES
PREPARED = Path("data/prepared")
PICTURES = Path("data/images")
PREDICTIONS = Path("data/predictions")

TEXT_BRANCH = Path("models/text")
IMAGE_BRANCH = Path("models/image")
FUSION = Path("models/fusion/fusion.json")
CLASSIFIER = Path("models/classifier")

# In the folder of a branch.
WEIGHTS = "model.weights.h5"
HELD_OUT = "heldout.npz"

METRICS = Path("metrics")
EVALUATION = METRICS / "evaluation"
