"""Standard error without the lines that TensorFlow prints whenever it starts.

No setting keeps them away: its libraries print them as they are loaded, before TF_CPP_MIN_LOG_LEVEL
is read, or as errors, though there is nothing to mend (the GPU is switched off). Exactly these
lines are left out, and only while TensorFlow starts; all others pass unchanged and in order.

This file, run as a program, is what they pass through: being a process of its own, it hands on the
last words of one that crashes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_STARTING = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR\n"
    rb"|[IE]\d{4} [\d:.]+ +\d+ "
    rb"(?:port\.cc:\d+\] oneDNN custom operations are on\."
    rb"|cudart_stub\.cc:\d+\] Could not find cuda drivers on your machine"
    rb"|cuda_platform\.cc:\d+\] failed call to cuInit: ).*\n"
)
_PATIENCE = 5
"""Seconds to wait for the last line; only a process that was started meanwhile, and goes on, could
make it last so long."""


@contextmanager
def without_startup_lines() -> Iterator[None]:
    """Leave out TensorFlow's lines while it is loaded, and again while it looks for devices."""
    sys.stderr.flush()
    shown = os.dup(2)
    source, sink = os.pipe()
    passing = subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-S", __file__],
        stdin=source,
        stdout=shown,
        start_new_session=True,  # Ctrl-C is for the stage; this ends with it
    )
    os.dup2(sink, 2)
    os.close(source)
    os.close(sink)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(shown, 2)
        os.close(shown)
        with suppress(subprocess.TimeoutExpired):
            passing.wait(_PATIENCE)


if __name__ == "__main__":
    for line in sys.stdin.buffer:
        if not _STARTING.fullmatch(line):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
