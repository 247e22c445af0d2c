"""What TensorFlow prints whenever it starts is left out; all else reaches a person, in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.support.repository import PIPELINE, ROOT

NOISE = (
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1795622268.894347    6861 port.cc:153] oneDNN custom operations are on. You may "
    "see slightly different numerical results. To turn them off, set the environment variable.",
    "I0000 00:00:1795622268.895446    6861 cudart_stub.cc:31] Could not find cuda drivers on your "
    "machine, GPU will not be used.",
    "E0000 00:00:1795622272.398752    6861 cuda_platform.cc:52] failed call to cuInit: INTERNAL: "
    "CUDA error: Failed call to cuInit: UNKNOWN ERROR (303)",
)
WORDS = (
    "E0000 00:00:1795622272.398752    6861 cuda_dnn.cc:8579] Unable to register cuDNN factory",
    "W0000 00:00:1795622272.398752    6861 cpu_allocator_impl.cc:83] Allocation exceeds 10%",
    "E0000 00:00:1795622272.398752    6861 port.cc:153] cannot read the processor",
    f"I quote: {NOISE[0]}",
    f"{NOISE[0]}, and more",
    NOISE[1].replace("I0000", "W0000"),
    NOISE[3].replace("cuInit: ", "cuDeviceGet: "),
    "MemoryError",
    "",
    "\udcff no text at all",
)
"""Lines that are not TensorFlow's, or not among those it always prints."""

PROGRAM = "import ctypes, os, sys; from stages.common import standard_error as e\n"
LOADING_TENSORFLOW = ("train_text", "embed", "train_language", "train_image", "export")
TENSORFLOW = {name: of for name, of in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}


def told(program: str, expected: int = 0) -> str:
    """What a process that runs `program` leaves on standard error."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", PROGRAM + program],
        cwd=ROOT,
        env=TENSORFLOW,
        capture_output=True,
        check=False,
    )
    error = done.stderr.decode("utf-8", "surrogateescape")
    assert done.returncode == expected, error
    return error


def inside(*statements: str) -> str:
    return "\n ".join(("with e.without_startup_lines():", *statements))


def write(lines: tuple[str, ...], end: str = "\n") -> str:
    text = "\n".join(lines) + end
    return f"os.write(2, {text.encode('utf-8', 'surrogateescape')!r})"


def test_known_lines_are_left_out_and_others_pass_unchanged_in_order() -> None:
    mixed = [line for pair in zip(WORDS, NOISE * 3, strict=False) for line in pair]
    python = "print('from Python', file=sys.stderr, end='', flush=True)"
    library = "ctypes.CDLL(None).dprintf(2, b'from C\\n')"
    after = "\nprint('after', file=sys.stderr)"
    program = inside(write(tuple(mixed)), python, library, write(("no end",), end="")) + after
    assert told(program) == "\n".join(WORDS) + "\nfrom Pythonfrom C\nno endafter\n"


def test_what_is_printed_otherwise_is_not_looked_at() -> None:
    assert told(write(NOISE)) == "\n".join(NOISE) + "\n"
    assert told(f"{inside('pass')}\n{write(NOISE)}") == "\n".join(NOISE) + "\n"


@pytest.mark.parametrize(
    ("death", "status", "last"),
    [
        ("os.abort()", -signal.SIGABRT, ""),
        ("os.kill(os.getpid(), 9)", -signal.SIGKILL, ""),
        ("os._exit(3)", 3, ""),
        ("import no_such", 1, "ModuleNotFoundError: No module named 'no_such'\n"),
        ("import faulthandler; faulthandler.enable(); ctypes.string_at(0)", -11, "Segmentation"),
    ],
    ids=["abort", "kill", "exit", "raise", "crash"],
)
def test_the_last_words_of_a_process_that_dies_come_through(
    death: str, status: int, last: str
) -> None:
    error = told(inside(write((*NOISE, *WORDS)), death), status)
    assert error.startswith("\n".join(WORDS) + "\n")
    assert last in error


def test_nobody_waits_for_a_process_that_goes_on() -> None:
    """It inherited the pipe; what it says later passes, too."""
    child = "import sys; sys.stdin.read(); print('late', file=sys.stderr)"
    start = f"p = __import__('subprocess').Popen([sys.executable, '-c', {child!r}], stdin=-1)"
    end = "\nprint('first', file=sys.stderr)\np.communicate()"
    assert told("e._PATIENCE = 0.1\n" + inside(start) + end) == "first\nlate\n"


@pytest.mark.slow
@pytest.mark.parametrize("page", LOADING_TENSORFLOW)
def test_a_page_is_loaded_without_a_word(page: str) -> None:
    """Whatever it imports first: all that loads TensorFlow does so behind `keras_setup`."""
    assert told(f"import stages.{page}") == ""


@pytest.mark.slow
def test_the_other_pages_load_no_tensorflow() -> None:
    pages = ", ".join(f"stages.{page}" for page in PIPELINE if page not in LOADING_TENSORFLOW)
    assert told(f"import {pages}\nassert 'tensorflow' not in sys.modules") == ""


@pytest.mark.slow
def test_tensorflow_starts_without_a_word_and_speaks_when_there_is_something_to_say() -> None:
    error = told(
        "from stages.common.keras_setup import *\n"
        "set_up(7, 1)\n"
        "for _ in range(9): tf.function(lambda x: x + 1)(tf.constant(1))\n"  # as each fold does
        "def again(x): return x + 1\n"
        "for _ in range(9): tf.function(again)(tf.constant(1))\n"
        "tf.get_logger().warning('a warning')\n"
        "tf.raw_ops.PrintV2(input='an error', output_stream='log(error)')\n"
        "tf.constant([1, 2]) + tf.constant([1, 2, 3])\n",
        1,
    )
    first, second, *_, last = error.splitlines()
    assert first == "WARNING:tensorflow:a warning"
    assert second.startswith("E")
    assert second.endswith("an error")
    assert last.startswith("tensorflow.python.framework.errors_impl.InvalidArgumentError")
