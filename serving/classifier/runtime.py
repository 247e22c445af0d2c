"""ONNX Runtime, told to report nothing: import `ort` from here only.

From release 1.29 on it sends its maker what models are loaded, under an identity that it keeps in
the user's folder. It asks this variable, and that as it is imported.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort  # not before it is told

__all__ = ["ort"]
