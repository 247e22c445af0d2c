"""What decides the bits of a run besides code, data and parameters, pinned in one place.

| what | pinned to | where |
|---|---|---|
| BLAS and OpenMP threads (NumPy, SciPy, scikit-learn) | 1 | ENVIRONMENT |
| oneDNN kernels, GPU, Keras backend | on, none, TensorFlow | ENVIRONMENT |
| seeds, deterministic kernels, intra- and inter-op threads | params.yaml `train` | keras_setup |
| ONNX Runtime threads of one inference | 1 | serving.classifier.classifier |
| order of Python's sets of text | PYTHONHASHSEED | ENVIRONMENT |
| order and names in a graph | canonical | graphs.conversion |
| entries and times of the sample's archive | fixed | sources.sample |
| JSON: order of keys, digits of floats | sorted, six | output |

ENVIRONMENT must be set before the libraries are loaded, and Python's own part of it before Python
is: `python -m stages` starts itself again with it, whatever the caller's environment says.
"""

from __future__ import annotations

ENVIRONMENT = {
    # Sums are split among the threads there are, so another number of them gives other last
    # digits; libraries would take the number of processors they find.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "KERAS_BACKEND": "tensorflow",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "CUDA_VISIBLE_DEVICES": "-1",
    # What the graph converter leaves of equal nodes depends on the order of its sets.
    "PYTHONHASHSEED": "0",
}
