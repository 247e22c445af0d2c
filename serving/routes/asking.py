"""What routes that ask the classifier share: who answers, who waits, what cannot be answered."""

from __future__ import annotations

from typing import Any

from litestar import Request

from serving.classifier.prediction import Prediction
from serving.http.problems import Problem
from serving.inference.loading import Loaded
from serving.inference.model import Disconnected, Model

AnyRequest = Request[Any, Any, Any]


def answering(request: AnyRequest, model: Model) -> Loaded:
    """The classifier that answers the request to its end, which its log line names."""
    loaded = model.current
    request.scope["state"]["model"] = loaded.hash
    return loaded


def disconnection(request: AnyRequest) -> Disconnected:
    """Waits for the disconnection, the only message after the body (ASGI, HTTP section)."""

    async def disconnected() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return disconnected


def image_error(prediction: Prediction) -> str | None:
    """Why a picture was not used, without what the decoding library says of itself."""
    return prediction.image_error and prediction.image_error.partition(":")[0]


def check_answered(prediction: Prediction) -> None:
    """Raises Problem 422 when nothing of the product could be used."""
    if prediction.state == "none":
        reason = image_error(prediction) or "the classifier found nothing to read in it"
        raise Problem(422, f"The product cannot be answered: {reason}.")
