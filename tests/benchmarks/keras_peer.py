"""The peer of the service's benchmark: plain FastAPI, and `keras.Model.predict` for each request.

    SERVING_PORT=8012 python -m tests.benchmarks.keras_peer

Answers POST /predict from the Keras models that models/classifier was exported from, with the same
encoder, picture decoder and fusion. It checks no token, counts no limit and writes no log.
"""

from __future__ import annotations

import os
from typing import Annotated

import numpy as np
import uvicorn
from fastapi import FastAPI, File, Form

from serving.classifier.fusion import Branch, Fusion
from serving.listing.images import decode
from serving.listing.labels import Code
from serving.listing.text import normalise_listing
from stages.common.paths import FUSION, IMAGE_BRANCH, TEXT_BRANCH
from stages.common.settings import NoImage, NoText, load
from stages.image.registry import image_model
from stages.text.registry import load as load_text


def create_app() -> FastAPI:
    """The application, with its models loaded. Raises TypeError without a branch."""
    settings = load()
    if isinstance(settings.text, NoText) or isinstance(settings.image, NoImage):
        raise TypeError("the peer needs a text and an image branch")
    fusion, size = Fusion.read(FUSION), settings.image.size
    encoder, text = load_text(settings.text, TEXT_BRANCH, len(fusion.codes))
    image = image_model(settings.image).load(settings.image, IMAGE_BRANCH, len(fusion.codes))

    def answer(designation: str, description: str, picture: bytes) -> dict[str, Code | float]:
        words = encoder.encode([normalise_listing(designation, description)])
        pixels = {"pixels": decode(picture, size)[np.newaxis]}
        logits: dict[Branch, np.ndarray] = {
            "text": text.predict(words, verbose=0),
            "image": image.predict(pixels, verbose=0),
        }
        both = np.array([True])
        [probabilities] = fusion.probabilities(logits, both, both)
        best = int(probabilities.argmax())
        return {"predicted": fusion.codes[best], "confidence": float(probabilities[best])}

    app = FastAPI()

    @app.get("/health/ready")
    def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/predict")
    def predict(
        designation: Annotated[str, Form()],
        description: Annotated[str, Form()],
        image: Annotated[bytes, File()],
    ) -> dict[str, Code | float]:
        return answer(designation, description, image)

    return app


if __name__ == "__main__":
    uvicorn.run(
        create_app(), host="127.0.0.1", port=int(os.environ["SERVING_PORT"]), log_level="warning"
    )
