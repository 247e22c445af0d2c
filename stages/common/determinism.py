"""What decides the bits of a run besides code, data and parameters, pinned in one place.

| what | pinned to | where |
|---|---|---|
| BLAS and OpenMP threads (NumPy, SciPy, scikit-learn) | 1 | ENVIRONMENT |
| kernels of BLAS, NumPy, oneDNN and the C library | for AVX2 and FMA at most | ENVIRONMENT |
| oneDNN, GPU, XLA, Keras backend | on, none, off, TensorFlow | ENVIRONMENT |
| reciprocal square roots | taken in float64 | reciprocal_root |
| ONNX Runtime's layout of pictures | not as wide as the register | serving.classifier.classifier |
| softmax of ONNX Runtime | spelled out | encoders.bert |
| seeds, deterministic kernels, intra- and inter-op threads | params.yaml `train` | keras_setup |
| ONNX Runtime threads of one inference | 1 | serving.classifier.classifier |
| order of Python's sets of text | PYTHONHASHSEED | ENVIRONMENT |
| order and names in a graph | canonical | graphs.conversion |
| entries and times of the sample's archive | fixed | sources.sample |
| JSON: order of keys, digits of floats | sorted, six | output |

Libraries pick their kernels by the processor, and wider registers add in another order: with
these pins every x86-64 processor that has AVX2 and FMA gives equal bytes. What they cost is
measured by `make bench-determinism`.

ENVIRONMENT must be set before the libraries are loaded, and Python's own part of it before Python
is: `python -m stages` starts itself again with it, whatever the caller's environment says.
"""

from __future__ import annotations

ENVIRONMENT = {
    # Sums are split among the threads there are, so another number of them gives other last
    # digits; libraries would take the number of processors they find.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # OpenBLAS has other kernels for nearly every kind of processor.
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_BLOCK_FACTOR": "",
    # NumPy's exp, log and pow for AVX-512 round otherwise than those of the C library, and its
    # unstable sorts order ties by the width of the register. X86_V3, which every processor here
    # has, is among them because the emulator of `make verify-processors` sorts wrongly with it.
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    # With both of its variables set, NumPy does not load.
    "NPY_ENABLE_CPU_FEATURES": "",
    # oneDNN blocks its sums by the width of the register.
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    # The C library's exp and pow with FMA, as it chooses itself wherever there is FMA.
    "GLIBC_TUNABLES": "",
    "KERAS_BACKEND": "tensorflow",
    # TensorFlow's own choice depends on the processor.
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_XLA_FLAGS": "",
    "CUDA_VISIBLE_DEVICES": "-1",
    # What the graph converter leaves of equal nodes depends on the order of its sets.
    "PYTHONHASHSEED": "0",
}
