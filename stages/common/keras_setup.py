"""Keras, set up so that equal inputs give equal bits: import `keras` and `tf` from here only.

Seeds alone do not make training reproducible: the kernels must be deterministic, and the number of
threads and the oneDNN kernels change the order of additions, so both are pinned
(https://www.tensorflow.org/api_docs/python/tf/config/experimental/enable_op_determinism).
"""

from __future__ import annotations

import os

from stages.common.determinism import ENVIRONMENT
from stages.common.standard_error import without_startup_lines

os.environ.update(ENVIRONMENT)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # warnings and errors

with without_startup_lines():
    import keras
    import tensorflow as tf

__all__ = ["keras", "set_up", "tf"]


def set_up(seed: int, threads: int) -> None:
    """Seed Python, NumPy and TensorFlow; call once, before any operation runs."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)
    # Each fold trains a model of its own, once; TensorFlow takes them for one that it traces anew.
    tf.get_logger().addFilter(lambda record: "tf.function retracing" not in record.getMessage())
    with without_startup_lines():
        tf.config.list_logical_devices()
