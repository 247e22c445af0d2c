"""What the classifier takes and gives as an MLflow model."""

from __future__ import annotations

from pathlib import Path

from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array

from serving.classifier.classifier import LABELS_FILE
from serving.listing.labels import are_texts, read_labels


def signature(classifier: Path) -> ModelSignature:
    """What the classifier in a folder takes and gives."""
    texts = are_texts(read_labels(classifier / LABELS_FILE))
    return ModelSignature(
        inputs=Schema(
            [
                ColSpec(DataType.string, "designation", required=False),
                ColSpec(DataType.string, "description", required=False),
                ColSpec(DataType.binary, "image", required=False),
            ]
        ),
        outputs=Schema(
            [
                ColSpec(DataType.string if texts else DataType.long, "predicted"),
                ColSpec(DataType.string, "label"),
                ColSpec(DataType.double, "confidence"),
                ColSpec(DataType.boolean, "accepted"),
                ColSpec(DataType.string, "evidence"),
                ColSpec(DataType.string, "image_error"),
                ColSpec(Array(DataType.double), "probabilities"),
            ]
        ),
    )
