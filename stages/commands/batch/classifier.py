"""The classifier that is there, opened for a command."""

from __future__ import annotations

from serving.classifier.classifier import Classifier
from serving.classifier.manifest import NAME, ManifestError
from stages.common.output import StageError
from stages.common.paths import CLASSIFIER


def open_classifier() -> Classifier:
    """The classifier. Raises StageError when there is none that is whole."""
    if not (CLASSIFIER / NAME).is_file():
        raise StageError(
            f"there is no classifier in {CLASSIFIER}; fetch it with `dvc pull {CLASSIFIER}`, or "
            "make one with `make repro`"
        )
    try:
        return Classifier.load(CLASSIFIER)
    except (ManifestError, OSError) as error:
        raise StageError(
            f"{CLASSIFIER} cannot be used: {error}; put it back with `dvc checkout {CLASSIFIER}`"
        ) from error
