"""What libraries write to standard error from C, and nobody wants to see."""

import os
import sys


def silence_libraries() -> None:
    """Keep the image decoders' own messages off standard error.

    libpng and others write to file descriptor 2, beside the one line that digitlens prints about
    a broken file. Python's own standard error gets a descriptor of its own.
    """
    if sys.stderr is None or sys.stderr.closed:
        return
    sys.stderr.flush()
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding=sys.stderr.encoding or "utf-8",
                           errors="backslashreplace")  # fmt: skip
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
