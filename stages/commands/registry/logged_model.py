"""The classifier as an MLflow model: a folder that says what it takes, gives and needs."""

from __future__ import annotations

import importlib.metadata
import io
from pathlib import Path

import mlflow.pyfunc
import pandas as pd
from PIL import Image

from serving.classifier.classifier import LANGUAGE_GRAPH
from stages.commands.registry.model_code import ARTIFACT
from stages.commands.registry.model_signature import signature

_WRAPPER = Path(__file__).with_name("model_code.py")
_NEEDED = ("mlflow", "numpy", "onnxruntime", "pandas", "pillow")
_READS_LANGUAGE = ("tokenizers",)


def example() -> pd.DataFrame:
    """One product with a title, a description and a picture."""
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "steelblue").save(picture, "JPEG")
    return pd.DataFrame(
        {
            "designation": ["Piscine gonflable ronde"],
            "description": ["Avec pompe"],
            "image": [picture.getvalue()],
        }
    )


def save(classifier: Path, code: Path, destination: Path) -> None:
    """Make the MLflow model of the folder `classifier` and of the package `code` (serving) that
    answers with it. Its requirements are pinned to what is installed here."""
    reads_language = (classifier / LANGUAGE_GRAPH).exists()
    needed = (*_NEEDED, *(_READS_LANGUAGE if reads_language else ()))
    mlflow.pyfunc.save_model(
        str(destination),
        python_model=str(_WRAPPER),
        artifacts={ARTIFACT: str(classifier)},
        code_paths=[str(code)],
        signature=signature(classifier),
        input_example=example(),
        pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in needed],
    )
