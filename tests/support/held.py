"""The service, whose classifier answers nothing while the file `HELD` is in its folder."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from serving.__main__ import main
from serving.classifier.prediction import Product
from serving.inference.timing import TimedClassifier

HELD = Path("held")
_read = TimedClassifier._read


def _held(self: TimedClassifier, products: Sequence[Product]) -> Any:
    while HELD.exists():
        time.sleep(0.01)
    return _read(self, products)


if __name__ == "__main__":
    TimedClassifier._read = _held  # type: ignore[method-assign, assignment]
    sys.exit(main())
