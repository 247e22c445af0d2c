"""Where the pipeline's files lie, from the repository's root, and what they are called."""

from __future__ import annotations

from pathlib import Path

# The four files of a catalogue, as the Rakuten France challenge names them.
TRAIN_PRODUCTS = "X_train_update.csv"
TRAIN_CODES = "Y_train_CVw08PX.csv"
TEST_PRODUCTS = "X_test_update.csv"
IMAGES = "images.zip"
FILES = (TRAIN_PRODUCTS, TRAIN_CODES, TEST_PRODUCTS, IMAGES)

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
