"""Standard error: what cannot be said there stops no work, and libraries are kept off it."""

import io
import os
import sys
from typing import Any


class _Patient(io.FileIO):
    def write(self, data: Any) -> int:  # noqa: ANN401, whatever has bytes
        """Write, or go on without: nobody is there to be told."""
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def patient_errors() -> None:
    """Let what is said on standard error get lost where it cannot be written, and no work with it.

    Python's own standard error gets a descriptor of its own.
    """
    given = sys.__stderr__
    if given is None or given.closed or sys.stderr is not given:
        return
    raw = io.BufferedWriter(_Patient(os.dup(2), "w"))
    sys.stderr = io.TextIOWrapper(
        raw, given.encoding, errors="backslashreplace", line_buffering=True
    )


def silence_libraries() -> None:
    """Keep the image decoders' own messages off standard error.

    libpng and others write to file descriptor 2, beside the one line that digitlens prints about
    a broken file.
    """
    if sys.stderr is None or sys.stderr is sys.__stderr__:
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
