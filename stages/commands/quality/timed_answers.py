"""Answer products with the serving code of the working directory, and time each answer.

    python -P timed_answers.py PRODUCTS.jsonl OUTPUT.npz

Run as a file, with PYTHONPATH naming the repository whose classifier is asked: a classifier is
measured with the code that serves it, not with the code that judges it. Of that repository it needs
`Classifier` and `Product(designation, description, image)` alone, which an older one has as well;
making products of rows is left to the one that judges.
"""

from __future__ import annotations

import json
import sys
import time
from base64 import b64decode
from pathlib import Path

import numpy as np

from serving.classifier.classifier import Classifier

try:
    from serving.classifier.prediction import Product
except ImportError:  # of an older repository or registered version, where it lay beside Classifier
    from serving.classifier.classifier import Product  # type: ignore[attr-defined]

MODEL = Path("models/classifier")


def main(products: str, output: str) -> None:
    """Write `codes` int [n], `confidence` float [n], `accepted` bool [n], `seconds` float [n]."""
    codes, confidence, accepted, seconds = [], [], [], []
    with Path(products).open(encoding="utf-8") as lines, Classifier.load(MODEL) as classifier:
        for line in lines:
            fields = json.loads(line)
            image = None if fields["image"] is None else b64decode(fields["image"])
            product = Product(fields["designation"], fields["description"], image)
            started = time.perf_counter()
            (answer,) = classifier.predict([product])
            seconds.append(time.perf_counter() - started)
            codes.append(answer.code)
            confidence.append(answer.confidence)
            accepted.append(answer.accepted)
    np.savez(output, codes=codes, confidence=confidence, accepted=accepted, seconds=seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
