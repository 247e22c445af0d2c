"""What the classifier takes and gives as an MLflow model."""

from __future__ import annotations

from pathlib import Path

from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array

from serving.classifier.classifier import LABELS_FILE
from serving.listing.labels import are_texts, read_labels
from stages.evaluation.answers import ACCEPTED_AS, PATH


def signature(classifier: Path) -> ModelSignature:
    """What the classifier in a folder takes and gives."""
    labels = read_labels(classifier / LABELS_FILE)
    predicted = DataType.string if are_texts(labels) else DataType.long
    levels = any(label.parents for label in labels.values())
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
                ColSpec(predicted, "predicted"),
                ColSpec(DataType.string, "label"),
                ColSpec(DataType.double, "confidence"),
                ColSpec(DataType.boolean, "accepted"),
                ColSpec(DataType.string, "evidence"),
                ColSpec(DataType.string, "image_error"),
                ColSpec(Array(DataType.double), "probabilities"),
                *(ColSpec(DataType.string, name) for name in (PATH, ACCEPTED_AS) if levels),
            ]
        ),
    )
