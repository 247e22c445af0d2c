"""The classifier as MLflow runs it: this file is the code of the logged model."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, TypeVar

import mlflow
import pandas as pd

from serving.classifier.classifier import Classifier
from serving.classifier.prediction import Product

T = TypeVar("T")

ARTIFACT = "classifier"


class ProductClassifier(mlflow.pyfunc.PythonModel):
    """Products in, coded products out, by the classes that answer requests."""

    def load_context(self, context: Any) -> None:
        """Verify the classifier against its manifest and load it."""
        self._classifier = Classifier.load(Path(context.artifacts[ARTIFACT]))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Answer rows of `designation`, `description` and `image` (an encoded picture, in base64
        where it is text), each of which may be missing or empty.

        `probabilities` of an answer are in the order of the codes. Where these stand under others,
        `path` and `accepted_as` are as in a table of predictions, both texts.
        """
        rows = model_input.to_dict("records")
        answers = self._classifier.predict([_product(row) for row in rows])
        levels = {
            "path": [answer.path_in_words for answer in answers],
            "accepted_as": [
                "" if answer.accepted_as is None else str(answer.accepted_as) for answer in answers
            ],
        }
        return pd.DataFrame(
            {
                "predicted": [answer.code for answer in answers],
                "label": [answer.label for answer in answers],
                "confidence": [answer.confidence for answer in answers],
                "accepted": [answer.accepted for answer in answers],
                "evidence": [answer.state for answer in answers],
                "image_error": [answer.image_error or "" for answer in answers],
                "probabilities": [answer.probabilities.tolist() for answer in answers],
                **(levels if len(self._classifier.levels) else {}),
            }
        )


def _product(row: dict[Any, Any]) -> Product:
    image = row.get("image")
    if isinstance(image, str):
        image = base64.b64decode(image, validate=True)
    return Product(
        _given(row.get("designation"), str),
        _given(row.get("description"), str),
        _given(image, bytes),
    )


def _given(value: Any, kind: type[T]) -> T | None:
    """A missing value is None, NaN or empty, as MLflow reads it."""
    return value if isinstance(value, kind) and value else None


mlflow.models.set_model(ProductClassifier())
