"""Answer products with the serving code of the working directory, and time each answer.

    python -P timed_answers.py ROWS.jsonl ARCHIVE OUTPUT.npz

Run as a file, with PYTHONPATH naming the repository whose classifier is asked: a classifier is
measured with the code that serves it, not with the code that judges it.
"""

from __future__ import annotations

import json
import sys
import time
import zipfile
from pathlib import Path

import numpy as np

from serving.classifier.classifier import Classifier, Product

MODEL = Path("models/classifier")


def main(rows: str, pictures: str, output: str) -> None:
    """Write `codes` int [n], `confidence` float [n] and `seconds` float [n]."""
    codes, confidence, seconds = [], [], []
    with zipfile.ZipFile(pictures) as archive, Classifier.load(MODEL) as classifier:
        for line in Path(rows).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            image = _read(archive, row["picture"])
            started = time.perf_counter()
            (answer,) = classifier.predict([Product(row["designation"], row["description"], image)])
            seconds.append(time.perf_counter() - started)
            codes.append(answer.code)
            confidence.append(answer.confidence)
    np.savez(output, codes=codes, confidence=confidence, seconds=seconds)


def _read(archive: zipfile.ZipFile, name: str) -> bytes | None:
    try:
        return archive.read(name) if name else None
    except (zipfile.BadZipFile, OSError):
        return None


if __name__ == "__main__":
    main(*sys.argv[1:])
